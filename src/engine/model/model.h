// A scenario's model: a transformer, its head and its loss.
#pragma once

#include <ATen/core/Tensor.h>

#include "config/model_shape.h"
#include "engine/model/gpt2.h"
#include "engine/ops/cross_entropy.h"

namespace dtbench {

// What a model is given: B samples of T tokens, padded to the right.
struct MicroBatch {
  at::Tensor input_ids;       // [B, T] int64
  at::Tensor attention_mask;  // [B, T] bool, true for real tokens; undefined when all are real
  at::Tensor target_index;    // language models: [n] int64, b * T + t of the positions that predict
  at::Tensor targets;         // language models: [n] int64 token ids; single label: [B] int64;
                              // multi label: [B, labels] fp32, 1 for a document's labels, else 0
};

class Model {
 public:
  Model(ParameterSet& parameters, const ModelShape& shape, double layer_norm_epsilon);

  // The micro-batch's share of the global batch's loss: sum over its targets / normalizer.count, an
  // fp64 scalar and the root of its graph.
  at::Tensor loss(const MicroBatch& batch, const DropoutContext& context,
                  const LossNormalizer& normalizer) const;

  // Language models: [B, T, V]. Classification: [B, labels], pooled at the last real token.
  at::Tensor logits(const MicroBatch& batch) const;

  // Classification: the rightmost real token of each sample, 0 where there is none. [B] int64.
  static at::Tensor pooled_index(const MicroBatch& batch);

 private:
  at::Tensor pooled_logits(const MicroBatch& batch, const DropoutContext& context) const;

  Objective objective_;
  Gpt2 transformer_;
  at::Tensor score_;  // [labels, C], classification only
};

}  // namespace dtbench
