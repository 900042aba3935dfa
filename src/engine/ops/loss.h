// What the losses have in common. The contract's one rule for all of them: logits come in the
// compute datatype, everything after is fp32 (fp64 for fp64), and the gradient is multiplied by
// loss scale and 1/N in that and rounded once, to the logits' datatype.
#pragma once

#include <ATen/core/Tensor.h>

namespace dtbench {

// What turns a sum over targets into the global batch's loss and its gradient into what is stored.
struct LossNormalizer {
  double count = 1;  // N: targets of the global batch, not of the micro-batch
  double scale = 1;  // loss scale; it multiplies the gradient only
};

struct LossAndGradient {
  at::Tensor loss_sum;  // fp64 scalar: sum over the targets, not divided
  at::Tensor gradient;  // as the logits: d loss_sum / d logits x scale / count; undefined if not
                        // wanted
};

namespace ops {

// The root of a graph whose loss is a mean over `targets` of the N = normalizer.count targets:
// returns mean x targets / N in fp64, and gives the mean the gradient scale x targets / N in its
// own datatype. For the chains of `loss = "transformers"`.
at::Tensor mean_as_share(const at::Tensor& mean, std::int64_t targets,
                         const LossNormalizer& normalizer);

}  // namespace ops
}  // namespace dtbench
