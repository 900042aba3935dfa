#include "engine/model/model.h"

#include <ATen/ATen.h>

#include "engine/ops/layers.h"
#include "engine/ops/lm_head_loss.h"

namespace dtbench {

Model::Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon)
    : objective_(shape.objective), transformer_(parameters, shape, layer_norm_epsilon) {
  if (!is_language_model(objective_))
    score_ = parameters.create("score.weight", {shape.labels, shape.width}, {0.02},
                               ParameterKind::kMatrix);
}

at::Tensor Model::loss(const MicroBatch& batch, const DropoutContext& context,
                       const LossNormalizer& normalizer) const {
  if (!is_language_model(objective_))
    return ops::cross_entropy(pooled_logits(batch, context), batch.targets, normalizer);
  const at::Tensor hidden = transformer_.forward(batch.input_ids, batch.attention_mask, context);
  const at::Tensor predicting =
      hidden.reshape({-1, hidden.size(-1)}).index_select(0, batch.target_index);  // [n, C]
  return ops::lm_head_loss(predicting, transformer_.wte(), batch.targets, normalizer);
}

at::Tensor Model::logits(const MicroBatch& batch) const {
  if (!is_language_model(objective_)) return pooled_logits(batch, {});
  return ops::linear(transformer_.forward(batch.input_ids, batch.attention_mask, {}),
                     transformer_.wte());
}

at::Tensor Model::pooled_index(const MicroBatch& batch) {
  const std::int64_t samples = batch.input_ids.size(0), tokens = batch.input_ids.size(1);
  if (!batch.attention_mask.defined())
    return at::full({samples}, tokens - 1, batch.input_ids.options());
  const at::Tensor index = at::arange(tokens, batch.input_ids.options());
  return (index * batch.attention_mask).argmax(-1);
}

at::Tensor Model::pooled_logits(const MicroBatch& batch, const DropoutContext& context) const {
  const at::Tensor hidden = transformer_.forward(batch.input_ids, batch.attention_mask, context);
  const at::Tensor rows = at::arange(hidden.size(0), batch.input_ids.options()) * hidden.size(1);
  const at::Tensor pooled =
      hidden.reshape({-1, hidden.size(-1)}).index_select(0, rows + pooled_index(batch));  // [B, C]
  return ops::linear(pooled, score_);  // [B, labels]
}

}  // namespace dtbench
