#include "engine/model/heads.h"

#include <ATen/ATen.h>

#include "engine/ops/activation.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/lm_head_loss.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

LanguageModelHead::LanguageModelHead(ParameterSet& parameters, const ModelShape& shape,
                                     double layer_norm_epsilon, const Parameter& word_embeddings)
    : decoder_{"lm_head", &word_embeddings, nullptr} {
  if (shape.architecture != Architecture::kRoberta) return;
  decoder_.name = "lm_head.decoder";
  decoder_.bias = &parameters.create("lm_head.bias", {shape.vocab}, kZeros, ParameterKind::kVector);
  dense_ = Linear::create(parameters, "lm_head.dense", shape.width, shape.width);
  act_ = {"lm_head", Gelu::Form::kExact};
  layer_norm_ =
      LayerNorm::create(parameters, "lm_head.layer_norm", shape.width, layer_norm_epsilon);
}

Value LanguageModelHead::transformed(const Value& hidden, const ForwardContext& context) const {
  if (!dense_) return hidden;
  return (*layer_norm_)(act_((*dense_)(hidden, context), context), context);
}

Value LanguageModelHead::logits(const Value& hidden, const ForwardContext& context) const {
  return decoder_(transformed(hidden, context), context);
}

// Transformers' causal LM loss is the contract's already: it casts logits to fp32.
bool LanguageModelHead::follows_contract(const ForwardContext& context) const {
  return context.rules.loss == LossRule::kContract || !dense_;
}

Value LanguageModelHead::loss(const Value& hidden, const at::Tensor& targets,
                              const LossNormalizer& normalizer,
                              const ForwardContext& context) const {
  Tape& tape = context.tape;
  const Value x = transformed(hidden, context);
  const Tape::InModule in_module(tape, decoder_.name);
  if (!follows_contract(context)) {
    const Value logits = decoder_(x, context);
    const Tape::InLoss in_loss(tape);
    return ops::cross_entropy_chain(tape, logits, targets, normalizer);
  }
  const Tape::InLoss in_loss(tape);
  return ops::lm_head_loss(tape, x, leaf(decoder_.weight, context), leaf(decoder_.bias, context),
                           targets, normalizer, context.rules);
}

ClassificationHead::ClassificationHead(ParameterSet& parameters, const ModelShape& shape,
                                       std::uint32_t first_site)
    : first_dropout_{"classifier.dropout", first_site},
      second_dropout_{"classifier.dropout", first_site + 1} {
  if (shape.architecture == Architecture::kGpt2) {
    output_ = Linear::create_without_bias(parameters, "score", shape.width, shape.labels);
    return;
  }
  dense_ = Linear::create(parameters, "classifier.dense", shape.width, shape.width);
  output_ = Linear::create(parameters, "classifier.out_proj", shape.width, shape.labels);
}

Value ClassificationHead::logits(const Value& hidden, const at::Tensor& attention_mask,
                                 const ForwardContext& context) const {
  Tape& tape = context.tape;
  const Tape::InModule in_module(tape, dense_ ? "classifier" : "score");
  const std::int64_t samples = hidden.size(0), tokens = hidden.size(1), width = hidden.size(2);
  const at::Tensor index = pooled_index(hidden.tensor(), attention_mask);
  const at::Tensor rows = at::arange(samples, index.options()) * tokens + index;
  Value x = ops::select_rows(tape, ops::reshape(tape, hidden, {-1, width}), rows);
  x = ops::reshape(tape, x, {samples, 1, width});
  if (dense_) {
    x = first_dropout_(x, context);
    x = ops::tanh(tape, (*dense_)(x, context));
    x = second_dropout_(x, context);
  }
  const Value logits = output_(x, context);  // [B, 1, labels]
  return ops::reshape(tape, logits, {samples, logits.size(2)});
}

at::Tensor ClassificationHead::pooled_index(const at::Tensor& tokens,
                                            const at::Tensor& attention_mask) const {
  const std::int64_t samples = tokens.size(0), length = tokens.size(1);
  const at::TensorOptions options = tokens.options().dtype(at::kLong);
  if (dense_) return at::zeros({samples}, options);
  if (!attention_mask.defined()) return at::full({samples}, length - 1, options);
  return (at::arange(length, options) * attention_mask).argmax(-1);
}

}  // namespace dtbench
