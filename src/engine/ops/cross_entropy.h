// Softmax cross-entropy (ops/loss.h).
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/loss.h"

namespace dtbench::ops {

// Loss sum over rows of -log softmax(logits)[target], and its gradient (softmax - onehot) x scale /
// count. logits [n, V]: overwritten, by the gradient where one is wanted. targets [n] int64.
LossAndGradient cross_entropy_with_gradient(const at::Tensor& logits, const at::Tensor& targets,
                                            const LossNormalizer& normalizer, bool want_gradient);

// The differentiable form for logits that other operations made: fp64 scalar loss sum / count,
// whose gradient with respect to the logits is multiplied by `scale`. The root of its graph: call
// backward on it with gradient 1.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const LossNormalizer& normalizer);

// `loss = "transformers"`: torch's log_softmax, gather and mean, each rounded to the logits'
// datatype, with sums in fp32 as CUDA's kernels have them. Also a root.
at::Tensor cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                               const LossNormalizer& normalizer);

}  // namespace dtbench::ops
