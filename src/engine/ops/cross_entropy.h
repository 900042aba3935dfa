// Softmax cross-entropy (ops/loss.h).
#pragma once

#include "engine/ops/loss.h"

namespace dtbench::ops {

// Loss sum over rows of -log softmax(logits)[target], and its gradient (softmax - onehot) x scale /
// count. logits [n, V]: overwritten, by the gradient where one is wanted. targets [n] int64, a
// class or kIgnoredTarget (numerics/ignored_target.h).
LossAndGradient cross_entropy_with_gradient(const at::Tensor& logits, const at::Tensor& targets,
                                            const LossNormalizer& normalizer, bool want_gradient);

// The loss of logits that other operations made: fp64 scalar loss sum / count, whose gradient with
// respect to the logits is multiplied by `scale`. The root of its tape: differentiate it with
// gradient 1.
Value cross_entropy(Tape& tape, const Value& logits, const at::Tensor& targets,
                    const LossNormalizer& normalizer);

// `loss = "transformers"`: torch's log_softmax, gather and mean, each rounded to the logits'
// datatype, with sums in fp32 as CUDA's kernels have them. Also a root.
Value cross_entropy_chain(Tape& tape, const Value& logits, const at::Tensor& targets,
                          const LossNormalizer& normalizer);

}  // namespace dtbench::ops
