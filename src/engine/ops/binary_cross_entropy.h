// Binary cross-entropy with logits over multi-hot targets (ops/loss.h).
#pragma once

#include "engine/ops/loss.h"

namespace dtbench::ops {

// logits [B, labels], targets [B, labels] fp32 of 0 and 1. fp64 scalar: sum over all elements of
// log(1 + exp(logit)) - target x logit, divided by count; the gradient with respect to the logits
// is (sigmoid - target) x scale / count. The root of its tape: differentiate it with
// gradient 1.
Value binary_cross_entropy(Tape& tape, const Value& logits, const at::Tensor& targets,
                           const LossNormalizer& normalizer);

// `loss = "transformers"`: torch's binary_cross_entropy_with_logits on logits of the compute
// datatype and fp32 targets (fp64 for fp64), a chain whose log-sigmoid and gradients round, and the
// mean over this micro-batch. Also a root.
Value binary_cross_entropy_chain(Tape& tape, const Value& logits, const at::Tensor& targets,
                                 const LossNormalizer& normalizer);

}  // namespace dtbench::ops
