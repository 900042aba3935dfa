#include "engine/model/heads.h"

#include <ATen/ATen.h>

#include "engine/model/module_scope.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/lm_head_loss.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

namespace {

constexpr const char* kLanguageModelHead = "lm_head";

}  // namespace

Value LanguageModelHead::logits(const Value& hidden, const ForwardContext& context) const {
  const ModuleScope head(context, kLanguageModelHead);
  return decoder_.logits(transformed(head.enter(hidden), head.context()), head.context());
}

Value LanguageModelHead::loss(const Value& hidden, const at::Tensor& targets,
                              const LossNormalizer& normalizer,
                              const ForwardContext& context) const {
  Tape& tape = context.tape;
  const ModuleScope head(context, kLanguageModelHead);
  const Value transformed_hidden = transformed(head.enter(hidden), head.context());
  const ModuleScope decoder(head.context(), decoder_.name);
  const ForwardContext& in = decoder.context();
  const Value x = decoder.enter(transformed_hidden);
  if (in.rules.loss == LossRule::kTransformers && !transformers_loss_is_the_contracts()) {
    const Value logits = decoder_(x, in);
    const Tape::InLoss in_loss(tape);
    return ops::cross_entropy_chain(tape, logits, targets, normalizer);
  }
  const Tape::InLoss in_loss(tape);
  return ops::lm_head_loss(tape, x, leaf(decoder_.weight, in), leaf(decoder_.bias, in), targets,
                           normalizer, in.rules);
}

Value ClassificationHead::pooled(const Value& hidden, const at::Tensor& attention_mask,
                                 const ForwardContext& context) const {
  const std::int64_t samples = hidden.size(0), tokens = hidden.size(1), width = hidden.size(2);
  const at::Tensor index = pooled_index(hidden.tensor(), attention_mask);
  const at::Tensor rows = at::arange(samples, index.options()) * tokens + index;
  const Value all = ops::reshape(context.tape, hidden, {-1, width});
  return ops::reshape(context.tape, ops::select_rows(context.tape, all, rows), {samples, 1, width});
}

LastTokenClassifier::LastTokenClassifier(ParameterSet& parameters, const ModelShape& shape)
    : score_(Linear::create_without_bias(parameters, "score", shape.width, shape.labels)) {}

Value LastTokenClassifier::logits(const Value& hidden, const at::Tensor& attention_mask,
                                  const ForwardContext& context) const {
  const ModuleScope score(context, score_.name);
  const Value document = score.enter(pooled(hidden, attention_mask, context));
  const Value logits = score_(document, score.context());  // [B, 1, labels]
  return ops::reshape(context.tape, logits, {logits.size(0), logits.size(2)});
}

at::Tensor LastTokenClassifier::pooled_index(const at::Tensor& tokens,
                                             const at::Tensor& attention_mask) const {
  const std::int64_t samples = tokens.size(0), length = tokens.size(1);
  const at::TensorOptions options = tokens.options().dtype(at::kLong);
  if (!attention_mask.defined()) return at::full({samples}, length - 1, options);
  return (at::arange(length, options) * attention_mask).argmax(-1);
}

}  // namespace dtbench
