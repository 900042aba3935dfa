#include "engine/model/modules.h"

#include <ATen/ATen.h>

#include "engine/ops/activation.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/product.h"

namespace dtbench {
namespace {

const at::Tensor& observed(const std::string& name, const at::Tensor& output,
                           const ForwardContext& context) {
  if (context.observer != nullptr) context.observer->on_output(name, output);
  return output;
}

}  // namespace

Embedding Embedding::create(ParameterSet& parameters, const std::string& name, std::int64_t rows,
                            std::int64_t width, std::int64_t padding_index) {
  return {name,
          parameters.create(name + ".weight", {rows, width},
                            {.deviation = kInitializerRange, .zero_row = padding_index},
                            ParameterKind::kEmbedding),
          padding_index};
}

at::Tensor Embedding::operator()(const at::Tensor& ids, const ForwardContext& context) const {
  return observed(name, ops::embedding(weight, ids, padding_index), context);
}

LayerNorm LayerNorm::create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                            double epsilon) {
  return {name, parameters.create(name + ".weight", {width}, kOnes, ParameterKind::kVector),
          parameters.create(name + ".bias", {width}, kZeros, ParameterKind::kVector), epsilon};
}

at::Tensor LayerNorm::operator()(const at::Tensor& x, const ForwardContext& context) const {
  return observed(name, ops::layer_norm(x, weight, bias, epsilon, context.rules), context);
}

Conv1d Conv1d::create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                      std::int64_t out, double deviation) {
  return {name,
          parameters.create(name + ".weight", {in, out}, {.deviation = deviation},
                            ParameterKind::kMatrix),
          parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector)};
}

at::Tensor Conv1d::operator()(const at::Tensor& x, const ForwardContext& context) const {
  return observed(name, ops::conv1d(x, weight, bias, context.rules), context);
}

Linear Linear::create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                      std::int64_t out) {
  Linear linear = create_without_bias(parameters, name, in, out);
  linear.bias = parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector);
  return linear;
}

Linear Linear::create_without_bias(ParameterSet& parameters, const std::string& name,
                                   std::int64_t in, std::int64_t out) {
  return {name,
          parameters.create(name + ".weight", {out, in}, {.deviation = kInitializerRange},
                            ParameterKind::kMatrix),
          {}};
}

at::Tensor Linear::operator()(const at::Tensor& x, const ForwardContext& context) const {
  return observed(name, ops::linear(x, weight, bias, context.rules), context);
}

at::Tensor Gelu::operator()(const at::Tensor& x, const ForwardContext& context) const {
  return observed(
      name,
      form == Form::kTanh ? ops::gelu_tanh(x, context.rules) : ops::gelu_exact(x, context.rules),
      context);
}

at::Tensor dropped(const at::Tensor& x, std::uint32_t site, const ForwardContext& context) {
  return ops::dropout(x, site, context.dropout);
}

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

at::Tensor merge_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace dtbench
