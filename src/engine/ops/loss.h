// What the losses have in common: the factor of the gradient (loss scale and 1/N), and torch's own
// chain as a control. The contract's one rule for all of them, which cross_entropy.cpp and
// binary_cross_entropy.cpp apply: logits come in the compute datatype, everything after is fp32
// (fp64 for fp64), and the gradient is multiplied by the factor in that and rounded once, to the
// logits' datatype.
#pragma once

#include "engine/tape/tape.h"

namespace dtbench {

// What turns a sum over targets into the global batch's loss and its gradient into what is stored.
// Scalars, in a step on the logits' device, so that nobody waits for them; fp64 where not said.
struct LossNormalizer {
  LossNormalizer(at::Tensor target_count, at::Tensor loss_scale);
  LossNormalizer(double target_count, double loss_scale);  // on the CPU
  LossNormalizer() : LossNormalizer(1.0, 1.0) {}

  at::Tensor count;   // N: targets of the global batch, not of the micro-batch
  at::Tensor scale;   // loss scale, fp32 or fp64; it multiplies the gradient only
  at::Tensor factor;  // scale / count
};

struct LossAndGradient {
  at::Tensor loss_sum;  // fp64 scalar: sum over the targets, not divided
  at::Tensor gradient;  // as the logits: d loss_sum / d logits x scale / count; undefined if not
                        // wanted
};

namespace ops {

// A loss whose mean over this micro-batch's `targets` is a chain of torch's own
// (ops/torch_chain.h), for `loss = "transformers"`: mean x targets / N in fp64; the mean's gradient
// is scale x targets / N in its own datatype.
Value chain_loss(Tape& tape, std::string_view operation, const Value& logits, std::int64_t targets,
                 const LossNormalizer& normalizer,
                 const std::function<at::Tensor(const at::Tensor&)>& mean);

}  // namespace ops
}  // namespace dtbench
