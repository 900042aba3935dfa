#include "engine/model/modules.h"

#include "engine/ops/activation.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/matmul.h"

namespace dtbench {
namespace {

using InModule = Tape::InModule;

}  // namespace

Value leaf(const Parameter* parameter, const ForwardContext& context) {
  if (parameter == nullptr) return {};
  return context.tape.leaf(parameter->value, parameter->index, parameter->name);
}

Embedding Embedding::create(ParameterSet& parameters, const std::string& name, std::int64_t rows,
                            std::int64_t width, std::int64_t padding_index) {
  return {name,
          &parameters.create(name + ".weight", {rows, width},
                             {.deviation = kInitializerRange, .zero_row = padding_index},
                             ParameterKind::kEmbedding),
          padding_index};
}

Value Embedding::operator()(const at::Tensor& ids, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return ops::embedding(context.tape, leaf(weight, context), ids, padding_index);
}

LayerNorm LayerNorm::create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                            double epsilon) {
  return {name, &parameters.create(name + ".weight", {width}, kOnes, ParameterKind::kVector),
          &parameters.create(name + ".bias", {width}, kZeros, ParameterKind::kVector), epsilon};
}

Value LayerNorm::operator()(const Value& x, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return ops::layer_norm(context.tape, x, leaf(weight, context), leaf(bias, context), epsilon,
                         context.rules);
}

Conv1d Conv1d::create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                      std::int64_t out, double deviation) {
  return {name,
          &parameters.create(name + ".weight", {in, out}, {.deviation = deviation},
                             ParameterKind::kMatrix),
          &parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector)};
}

Value Conv1d::operator()(const Value& x, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return ops::conv1d(context.tape, x, leaf(weight, context), leaf(bias, context), context.rules);
}

Linear Linear::create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                      std::int64_t out) {
  Linear linear = create_without_bias(parameters, name, in, out);
  linear.bias = &parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector);
  return linear;
}

Linear Linear::create_without_bias(ParameterSet& parameters, const std::string& name,
                                   std::int64_t in, std::int64_t out) {
  return {name, &parameters.create(name + ".weight", {out, in}, {.deviation = kInitializerRange},
                                   ParameterKind::kMatrix)};
}

Value Linear::operator()(const Value& x, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return ops::linear(context.tape, x, leaf(weight, context), leaf(bias, context), context.rules);
}

Value Gelu::operator()(const Value& x, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return form == Form::kTanh ? ops::gelu_tanh(context.tape, x, context.rules)
                             : ops::gelu_exact(context.tape, x, context.rules);
}

Value Dropout::operator()(const Value& x, const ForwardContext& context) const {
  const InModule in_module(context.tape, name);
  return ops::dropout(context.tape, x, site, context.dropout);
}

}  // namespace dtbench
