// The modules that transformers are made of: parameters under Transformers' names, and the
// operation on them. Shapes: B samples, T tokens, C width.
#pragma once

#include <cstdint>
#include <string>

#include "config/model_shape.h"
#include "engine/model/forward_context.h"
#include "engine/model/parameters.h"

namespace dtbench {

// Standard deviation of initial weights, in GPT-2 and RoBERTa ("initializer_range").
inline constexpr double kInitializerRange = 0.02;

struct Embedding {
  std::string name;
  const Parameter* weight = nullptr;  // [rows, C]
  std::int64_t padding_index = -1;    // a row that starts at zero and gets no gradient here

  static Embedding create(ParameterSet& parameters, const std::string& name, std::int64_t rows,
                          std::int64_t width, std::int64_t padding_index = -1);
  // ids [...] int64 -> [..., C]
  Value operator()(const at::Tensor& ids, const ForwardContext& context) const;
};

struct LayerNorm {
  std::string name;
  const Parameter *weight = nullptr, *bias = nullptr;  // [C]
  double epsilon = 0;

  static LayerNorm create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                          double epsilon);
  Value operator()(const Value& x, const ForwardContext& context) const;
};

// GPT-2's: the weight is stored [in, out].
struct Conv1d {
  std::string name;
  const Parameter *weight = nullptr, *bias = nullptr;  // [I, O], [O]

  static Conv1d create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                       std::int64_t out, double deviation = kInitializerRange);
  // x [..., I] -> [..., O]
  Value operator()(const Value& x, const ForwardContext& context) const;
};

struct Linear {
  std::string name;
  const Parameter *weight = nullptr, *bias = nullptr;  // [O, I], [O] or null

  static Linear create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                       std::int64_t out);
  static Linear create_without_bias(ParameterSet& parameters, const std::string& name,
                                    std::int64_t in, std::int64_t out);
  // x [..., I] -> [..., O]
  Value operator()(const Value& x, const ForwardContext& context) const;
  // The same as a model's last product, which an exception leaves unrounded (model/module_scope.h).
  Value logits(const Value& x, const ForwardContext& context) const;
};

// GELU in its tanh form or exact; a module without parameters.
struct Gelu {
  enum class Form { kTanh, kExact };
  std::string name;
  Form form = Form::kTanh;

  Value operator()(const Value& x, const ForwardContext& context) const;
};

// A place that drops; a module without parameters.
struct Dropout {
  std::string name;
  std::uint32_t site = 0;  // its number in the model (ops/dropout.h)

  Value operator()(const Value& x, const ForwardContext& context) const;
};

// A transformer's dropout sites: the embeddings', then two for each layer. Heads take those after.
inline std::uint32_t dropout_sites(const ModelShape& shape) {
  return static_cast<std::uint32_t>(1 + 2 * shape.layers);
}

// A parameter as a value of the pass; absent where it is null.
Value leaf(const Parameter* parameter, const ForwardContext& context);

}  // namespace dtbench
