// A model's parameters by name, in the order of Transformers' state dict.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace dtbench {

// What a parameter is to the optimizer.
enum class ParameterKind {
  kEmbedding,  // a table of rows by token or position: decayed; 8-bit policies keep its states
               // apart
  kMatrix,     // every other decayed weight
  kVector,     // biases and norms: not decayed
};

struct Parameter {
  std::string name;  // as in Transformers: "transformer.h.0.attn.c_attn.weight"
  at::Tensor value;
  ParameterKind kind;
  std::size_t index;   // in ParameterSet::all()
  std::int64_t layer;  // -1 outside the layers
};

// How a parameter starts: N(0, deviation^2), or a constant when the deviation is 0. One row of a
// table may start at zero; -1: none does.
struct InitialValue {
  double deviation = 0;
  double constant = 0;
  std::int64_t zero_row = -1;
};
inline constexpr InitialValue kZeros{};
inline constexpr InitialValue kOnes{.constant = 1};

class ParameterSet {
 public:
  // Where and in which datatype the parameters live; their initial values are functions of the seed
  // and their names. Gradients are stored in the parameters' datatype.
  ParameterSet(at::TensorOptions options, std::uint32_t seed);
  // Gradients are accumulated over micro-batches and stored in `gradient_type`: the parameters' own
  // datatype or, for 16-bit parameters, fp32.
  ParameterSet(at::TensorOptions options, std::uint32_t seed, at::ScalarType gradient_type);

  // Draws and stores a new parameter, which stays where it is as long as the set lives.
  const Parameter& create(const std::string& name, at::IntArrayRef shape, InitialValue initial,
                          ParameterKind kind);

  // While it lives, new parameters belong to the layer.
  class InLayer {
   public:
    InLayer(ParameterSet& parameters, std::int64_t layer) : parameters_(parameters) {
      parameters.layer_ = layer;
    }
    ~InLayer() { parameters_.layer_ = -1; }
    InLayer(const InLayer&) = delete;
    InLayer& operator=(const InLayer&) = delete;

   private:
    ParameterSet& parameters_;
  };

  const std::deque<Parameter>& all() const { return parameters_; }
  const Parameter& at(const std::string& name) const;  // throws std::logic_error
  std::vector<at::Tensor> values() const;

  // Adds one micro-batch's gradient of a parameter to the stored one, in the gradients' datatype.
  void add_gradient(std::size_t index, at::Tensor gradient);
  // The stored gradient of all()[index]; undefined where none came.
  const at::Tensor& gradient(std::size_t index) const { return gradients_[index]; }
  // The stored gradients in the order of all(); zeros where none came.
  std::vector<at::Tensor> gradients();
  // Before a step's first micro-batch.
  void clear_gradients();

  std::int64_t element_count() const;
  std::int64_t bytes() const;
  std::int64_t gradient_bytes() const;
  // SHA-256 over names, shapes and bytes: the initial weights' fingerprint in audit.json.
  std::string fingerprint() const;
  // SHA-256 over names, shapes and the fp32 draws that the weights were cast from: the same
  // whatever datatype they are stored in.
  std::string draws_fingerprint() const;

 private:
  void record_draw(const std::string& name, const at::Tensor& drawn);

  at::TensorOptions options_;
  std::uint32_t seed_;
  at::ScalarType gradient_type_;
  std::int64_t layer_ = -1;
  std::deque<Parameter> parameters_;
  std::vector<at::Tensor> gradients_;
  std::string draws_;  // a line each: name, shape, SHA-256
};

}  // namespace dtbench
