#include "engine/model/modules.h"

#include "engine/model/module_scope.h"
#include "engine/ops/activation.h"
#include "engine/ops/cast.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/matmul.h"

namespace dtbench {

Value leaf(const Parameter* parameter, const ForwardContext& context) {
  if (parameter == nullptr) return {};
  const Value value = context.tape.leaf(parameter->value, parameter->index, parameter->name);
  // Without mixed precision all is in the compute datatype; in an exception parameters are not.
  const bool mixed = context.rules.autocast != AutocastRules::kNone;
  return mixed ? value : ops::cast(context.tape, value, context.rules.compute);
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
  const ModuleScope module(context, name);
  return module.leave(
      ops::embedding(context.tape, leaf(weight, module.context()), ids, padding_index),
      CastOp::kEmbedding, weight->value.scalar_type());
}

LayerNorm LayerNorm::create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                            double epsilon) {
  return {name, &parameters.create(name + ".weight", {width}, kOnes, ParameterKind::kVector),
          &parameters.create(name + ".bias", {width}, kZeros, ParameterKind::kVector), epsilon};
}

Value LayerNorm::operator()(const Value& x, const ForwardContext& context) const {
  const ModuleScope module(context, name);
  const ForwardContext& in = module.context();
  return module.leave(ops::layer_norm(context.tape, module.enter(x), leaf(weight, in),
                                      leaf(bias, in), epsilon, in.rules),
                      CastOp::kLayerNorm, x.scalar_type());
}

Conv1d Conv1d::create(ParameterSet& parameters, const std::string& name, std::int64_t in,
                      std::int64_t out, double deviation) {
  return {name,
          &parameters.create(name + ".weight", {in, out}, {.deviation = deviation},
                             ParameterKind::kMatrix),
          &parameters.create(name + ".bias", {out}, kZeros, ParameterKind::kVector)};
}

Value Conv1d::operator()(const Value& x, const ForwardContext& context) const {
  const ModuleScope module(context, name);
  const ForwardContext& in = module.context();
  return module.leave(
      ops::conv1d(context.tape, module.enter(x), leaf(weight, in), leaf(bias, in), in.rules),
      CastOp::kMatmul, x.scalar_type());
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
  const ModuleScope module(context, name);
  const ForwardContext& in = module.context();
  return module.leave(
      ops::linear(context.tape, module.enter(x), leaf(weight, in), leaf(bias, in), in.rules),
      CastOp::kMatmul, x.scalar_type());
}

Value Linear::logits(const Value& x, const ForwardContext& context) const {
  const ModuleScope module(context, name);
  return (*this)(module.enter(x), module.context());
}

Value Gelu::operator()(const Value& x, const ForwardContext& context) const {
  const ModuleScope module(context, name);
  const auto gelu = form == Form::kTanh ? ops::gelu_tanh : ops::gelu_exact;
  return module.leave(gelu(context.tape, module.enter(x), module.context().rules), CastOp::kGelu,
                      x.scalar_type());
}

Value Dropout::operator()(const Value& x, const ForwardContext& context) const {
  const ModuleScope module(context, name);
  // Follows its input, as an addition does.
  return module.leave(ops::dropout(context.tape, module.enter(x), site, context.dropout),
                      CastOp::kAdd, x.scalar_type());
}

}  // namespace dtbench
