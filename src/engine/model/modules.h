// The modules that both transformers are made of: parameters under Transformers' names, and the
// operation on them. Shapes: B samples, T tokens, C width.
#pragma once

#include <ATen/core/Tensor.h>

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
  at::Tensor weight;                // [rows, C]
  std::int64_t padding_index = -1;  // a row that starts at zero and gets no gradient here

  static Embedding create(ParameterSet& parameters, const std::string& name, std::int64_t rows,
                          std::int64_t width, std::int64_t padding_index = -1);
  // ids [...] int64 -> [..., C]
  at::Tensor operator()(const at::Tensor& ids, const ForwardContext& context) const;
};

struct LayerNorm {
  std::string name;
  at::Tensor weight, bias;  // [C]
  double epsilon;

  static LayerNorm create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                          double epsilon);
  at::Tensor operator()(const at::Tensor& x, const ForwardContext& context) const;
};

// GPT-2's: the weight is stored [in, out].
struct Conv1d {
  std::string name;
  at::Tensor weight, bias;  // [I, O], [O]

  static Conv1d create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                       std::int64_t out, double deviation = kInitializerRange);
  // x [..., I] -> [..., O]
  at::Tensor operator()(const at::Tensor& x, const ForwardContext& context) const;
};

struct Linear {
  std::string name;
  at::Tensor weight, bias;  // [O, I], [O] or undefined

  static Linear create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                       std::int64_t out);
  static Linear create_without_bias(ParameterSet& parameters, const std::string& name,
                                    std::int64_t in, std::int64_t out);
  // x [..., I] -> [..., O]
  at::Tensor operator()(const at::Tensor& x, const ForwardContext& context) const;
};

// GELU in its tanh form or exact; a module without parameters.
struct Gelu {
  enum class Form { kTanh, kExact };
  std::string name;
  Form form;

  at::Tensor operator()(const at::Tensor& x, const ForwardContext& context) const;
};

// A transformer's dropout sites: the embeddings', then two for each layer. Heads take those after.
inline std::uint32_t dropout_sites(const ModelShape& shape) {
  return static_cast<std::uint32_t>(1 + 2 * shape.layers);
}

// Dropout at place `site` of the model; a module without parameters.
at::Tensor dropped(const at::Tensor& x, std::uint32_t site, const ForwardContext& context);

// [B, T, C] -> [B, heads, T, C / heads], and back.
at::Tensor split_heads(const at::Tensor& x, std::int64_t heads);
at::Tensor merge_heads(const at::Tensor& x);

}  // namespace dtbench
