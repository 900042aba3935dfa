#include "engine/model/model.h"

#include <ATen/ATen.h>

#include "engine/ops/binary_cross_entropy.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/rearrange.h"

namespace dtbench {
namespace {

std::variant<Gpt2, Roberta> make_transformer(ParameterSet& parameters, const ModelShape& shape,
                                             double layer_norm_epsilon) {
  if (shape.architecture == Architecture::kRoberta)
    return Roberta(parameters, shape, layer_norm_epsilon);
  return Gpt2(parameters, shape, layer_norm_epsilon);
}

}  // namespace

Model::Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : objective_(shape.objective),
      transformer_(make_transformer(parameters, shape, layer_norm_epsilon)) {
  if (is_language_model(objective_)) {
    const Parameter& tied = std::visit(
        [](const auto& t) -> const Parameter& { return t.word_embeddings(); }, transformer_);
    language_model_head_.emplace(parameters, shape, layer_norm_epsilon, tied);
  } else {
    classification_head_.emplace(parameters, shape, dropout_sites(shape));
  }
}

Value Model::hidden_states(const MicroBatch& batch, const ForwardContext& context) const {
  return std::visit(
      [&](const auto& t) { return t.forward(batch.input_ids, batch.attention_mask, context); },
      transformer_);  // [B, T, C]
}

Value Model::loss(const MicroBatch& batch, const ForwardContext& context,
                  const LossNormalizer& normalizer) const {
  if (classification_head_)
    return classification_loss(logits(batch, context), batch.targets, context, normalizer);
  Tape& tape = context.tape;
  const Value hidden = hidden_states(batch, context);
  const Value rows = ops::reshape(tape, hidden, {-1, hidden.size(2)});
  const Value predicting = ops::select_rows(tape, rows, batch.target_index);  // [n, C]
  return language_model_head_->loss(predicting, batch.targets, normalizer, context);
}

Value Model::logits(const MicroBatch& batch, const ForwardContext& context) const {
  const Value hidden = hidden_states(batch, context);
  if (classification_head_)
    return classification_head_->logits(hidden, batch.attention_mask, context);
  return language_model_head_->logits(hidden, context);
}

Value Model::classification_loss(const Value& logits, const at::Tensor& targets,
                                 const ForwardContext& context,
                                 const LossNormalizer& normalizer) const {
  Tape& tape = context.tape;
  const Tape::InLoss in_loss(tape);
  const bool chain = context.rules.loss == LossRule::kTransformers;
  if (objective_ == Objective::kMultiLabel)
    return chain ? ops::binary_cross_entropy_chain(tape, logits, targets, normalizer)
                 : ops::binary_cross_entropy(tape, logits, targets, normalizer);
  return chain ? ops::cross_entropy_chain(tape, logits, targets, normalizer)
               : ops::cross_entropy(tape, logits, targets, normalizer);
}

at::Tensor Model::pooled_index(const MicroBatch& batch) const {
  return classification_head_->pooled_index(batch.input_ids, batch.attention_mask);
}

}  // namespace dtbench
