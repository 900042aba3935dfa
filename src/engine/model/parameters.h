// A model's parameters by name, in the order of Transformers' state dict.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace dtbench {

struct Parameter {
  std::string name;   // as in Transformers: "transformer.h.0.attn.c_attn.weight"
  at::Tensor value;   // a leaf that requires a gradient
  bool weight_decay;  // not for biases and norms
};

// How a parameter starts: N(0, deviation^2), or a constant when the deviation is 0.
struct InitialValue {
  double deviation = 0;
  double constant = 0;
};
inline constexpr InitialValue kZeros{0, 0};
inline constexpr InitialValue kOnes{0, 1};

class ParameterSet {
 public:
  // Where and in which datatype the parameters live; their initial values are functions of the seed
  // and their names.
  ParameterSet(at::TensorOptions options, std::uint32_t seed);

  // Draws, stores and returns a new parameter. The tensor is a handle: the set and the model share
  // its memory.
  at::Tensor create(const std::string& name, at::IntArrayRef shape, InitialValue initial,
                    bool weight_decay);

  const std::vector<Parameter>& all() const { return parameters_; }
  const Parameter& at(const std::string& name) const;  // throws std::logic_error
  std::vector<at::Tensor> values() const;
  // Defined for all after a backward pass (zeros where no gradient came).
  std::vector<at::Tensor> gradients() const;
  // Frees the gradients.
  void clear_gradients();

  std::int64_t element_count() const;
  std::int64_t bytes() const;
  // SHA-256 over names, shapes and bytes: the initial weights' fingerprint in audit.json.
  std::string fingerprint() const;

 private:
  at::TensorOptions options_;
  std::uint32_t seed_;
  std::vector<Parameter> parameters_;
};

}  // namespace dtbench
