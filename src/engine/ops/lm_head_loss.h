// The language-model head and its loss as one operation: matmul with the (tied) embedding and
// softmax cross-entropy, a chunk of tokens at a time, so that vocabulary-wide logits never exist
// for a whole batch of base size. The gradient is computed with the loss, in the same pass.
#pragma once

#include "engine/numerics/compute_rules.h"
#include "engine/ops/loss.h"

namespace dtbench::ops {

// hidden [n, C] at the target positions, weight [V, C], bias [V] or absent, targets [n] int64.
// Returns the fp64 scalar loss sum / count, the root of its tape: differentiate it with gradient 1.
// The gradients of weight and bias add up over chunks in fp32 (fp64 for fp64) and are rounded once.
Value lm_head_loss(Tape& tape, const Value& hidden, const Value& weight, const Value& bias,
                   const at::Tensor& targets, const LossNormalizer& normalizer,
                   const ComputeRules& rules);

}  // namespace dtbench::ops
