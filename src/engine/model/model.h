// A scenario's model: a transformer, its head and its loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "config/model_shape.h"
#include "engine/model/document_loss.h"
#include "engine/model/heads.h"
#include "engine/model/transformer.h"

namespace dtbench {

// What a model is given: B samples of T tokens, padded to the right.
struct MicroBatch {
  at::Tensor input_ids;       // [B, T] int64
  at::Tensor attention_mask;  // [B, T] bool, true for real tokens; undefined when all are real
  at::Tensor target_index;    // language models: [n] int64, b * T + t of the positions that predict
  at::Tensor targets;         // language models: [n] int64 token ids, or kIgnoredTarget; single
                              // label: [B] int64; multi label: [B, labels] fp32 of 0 and 1; else
                              // the task's, B first
};

class Model {
 public:
  Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  // The micro-batch's share of the global batch's loss: sum over its targets / normalizer.count, an
  // fp64 scalar and the root of its tape.
  Value loss(const MicroBatch& batch, const ForwardContext& context,
             const LossNormalizer& normalizer) const;

  // Language models: [B, T, V]. Documents: [B, outputs]. In the compute datatype.
  Value logits(const MicroBatch& batch, const ForwardContext& context) const;

  // Documents: the loss of logits [B, outputs], as in loss().
  Value loss_of_logits(const Value& logits, const at::Tensor& targets,
                       const ForwardContext& context, const LossNormalizer& normalizer) const;

  // Documents: the token that each sample's logits come from, [B] int64.
  at::Tensor pooled_index(const MicroBatch& batch) const;

 private:
  Value hidden_states(const MicroBatch& batch, const ForwardContext& context) const;

  std::unique_ptr<Transformer> transformer_;
  // One of the two.
  std::unique_ptr<LanguageModelHead> language_model_head_;
  std::unique_ptr<ClassificationHead> classification_head_;
  DocumentLoss document_loss_ = nullptr;  // of the classification head's outputs
};

}  // namespace dtbench
