#include "engine/model/model.h"

#include <ATen/ATen.h>

#include "engine/ops/binary_cross_entropy.h"
#include "engine/ops/cross_entropy.h"

namespace dtbench {
namespace {

std::variant<Gpt2, Roberta> make_transformer(ParameterSet& parameters, const ModelShape& shape,
                                             double layer_norm_epsilon) {
  if (shape.architecture == roberta_family()) return Roberta(parameters, shape, layer_norm_epsilon);
  return Gpt2(parameters, shape, layer_norm_epsilon);
}

}  // namespace

Model::Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : objective_(shape.objective),
      transformer_(make_transformer(parameters, shape, layer_norm_epsilon)) {
  if (is_language_model(objective_)) {
    const at::Tensor& tied = std::visit(
        [](const auto& t) -> const at::Tensor& { return t.word_embeddings(); }, transformer_);
    language_model_head_.emplace(parameters, shape, layer_norm_epsilon, tied);
  } else {
    classification_head_.emplace(parameters, shape, dropout_sites(shape));
  }
}

at::Tensor Model::hidden_states(const MicroBatch& batch, const ForwardContext& context) const {
  return std::visit(
      [&](const auto& t) { return t.forward(batch.input_ids, batch.attention_mask, context); },
      transformer_);  // [B, T, C]
}

at::Tensor Model::loss(const MicroBatch& batch, const ForwardContext& context,
                       const LossNormalizer& normalizer) const {
  if (classification_head_)
    return classification_loss(logits(batch, context), batch.targets, normalizer,
                               context.rules.loss);
  const at::Tensor hidden = hidden_states(batch, context);
  const at::Tensor predicting =
      hidden.reshape({-1, hidden.size(-1)}).index_select(0, batch.target_index);  // [n, C]
  return language_model_head_->loss(predicting, batch.targets, normalizer, context);
}

at::Tensor Model::logits(const MicroBatch& batch, const ForwardContext& context) const {
  const at::Tensor hidden = hidden_states(batch, context);
  if (classification_head_)
    return classification_head_->logits(hidden, batch.attention_mask, context);
  return language_model_head_->logits(hidden, context);
}

at::Tensor Model::classification_loss(const at::Tensor& logits, const at::Tensor& targets,
                                      const LossNormalizer& normalizer, LossRule rule) const {
  const bool chain = rule == LossRule::kTransformers;
  if (objective_ == multi_label())
    return chain ? ops::binary_cross_entropy_chain(logits, targets, normalizer)
                 : ops::binary_cross_entropy(logits, targets, normalizer);
  return chain ? ops::cross_entropy_chain(logits, targets, normalizer)
               : ops::cross_entropy(logits, targets, normalizer);
}

at::Tensor Model::pooled_index(const MicroBatch& batch) const {
  return classification_head_->pooled_index(batch.input_ids, batch.attention_mask);
}

}  // namespace dtbench
