#include "engine/model/model.h"

#include <ATen/ATen.h>

#include "engine/model/model_builder.h"
#include "engine/ops/rearrange.h"

namespace dtbench {

Model::Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon) {
  const ModelBuilder& builder = model_builder(to_string(shape.architecture));
  transformer_ = builder.transformer(parameters, shape, layer_norm_epsilon);
  if (is_language_model(shape.objective)) {
    language_model_head_ = builder.language_model_head(parameters, shape, layer_norm_epsilon,
                                                       transformer_->word_embeddings());
  } else {
    classification_head_ = builder.classification_head(parameters, shape);
    document_loss_ = document_loss(to_string(shape.objective));
  }
}

Value Model::hidden_states(const MicroBatch& batch, const ForwardContext& context) const {
  return transformer_->forward(batch.input_ids, batch.attention_mask, context);  // [B, T, C]
}

Value Model::loss(const MicroBatch& batch, const ForwardContext& context,
                  const LossNormalizer& normalizer) const {
  if (classification_head_)
    return loss_of_logits(logits(batch, context), batch.targets, context, normalizer);
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

Value Model::loss_of_logits(const Value& logits, const at::Tensor& targets,
                            const ForwardContext& context, const LossNormalizer& normalizer) const {
  const Tape::InLoss in_loss(context.tape);
  return document_loss_(context.tape, logits, targets, normalizer, context.rules.loss);
}

at::Tensor Model::pooled_index(const MicroBatch& batch) const {
  return classification_head_->pooled_index(batch.input_ids, batch.attention_mask);
}

}  // namespace dtbench
