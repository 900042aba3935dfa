// Softmax cross-entropy by the contract's one rule: logits come in the compute datatype, everything
// after is fp32 (fp64 for fp64), and the gradient is multiplied by loss scale and 1/N in that and
// rounded once, to the logits' datatype.
#pragma once

#include <ATen/core/Tensor.h>

namespace dtbench {

// What turns a sum over targets into the global batch's loss and its gradient into what is stored.
struct LossNormalizer {
  double count = 1;  // N: targets of the global batch, not of the micro-batch
  double scale = 1;  // loss scale; it multiplies the gradient only
};

struct LossAndGradient {
  at::Tensor loss_sum;  // fp64 scalar: sum over rows of -log softmax(logits)[target], not divided
  at::Tensor
      gradient;  // as the logits: (softmax - onehot) x scale / count; undefined if not wanted
};

namespace ops {

// logits [n, V] (overwritten when it is already in the accumulation datatype), targets [n] int64.
LossAndGradient cross_entropy_with_gradient(const at::Tensor& logits, const at::Tensor& targets,
                                            const LossNormalizer& normalizer, bool want_gradient);

// The differentiable form for logits that other operations made: fp64 scalar loss sum / count,
// whose gradient with respect to the logits is multiplied by `scale`. The root of its graph: call
// backward on it with gradient 1.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const LossNormalizer& normalizer);

}  // namespace ops
}  // namespace dtbench
