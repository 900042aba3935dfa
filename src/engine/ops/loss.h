// What the losses have in common. The contract's one rule for all of them: logits come in the
// compute datatype, everything after is fp32 (fp64 for fp64), and the gradient is multiplied by
// loss scale and 1/N in that and rounded once, to the logits' datatype.
#pragma once

#include "engine/tape/tape.h"

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

// A loss whose mean over this micro-batch's `targets` is a chain of torch's own
// (ops/torch_chain.h), for `loss = "transformers"`: mean x targets / N in fp64; the mean's gradient
// is scale x targets / N in its own datatype.
Value chain_loss(Tape& tape, std::string_view operation, const Value& logits, std::int64_t targets,
                 const LossNormalizer& normalizer,
                 const std::function<at::Tensor(const at::Tensor&)>& mean);

}  // namespace ops
}  // namespace dtbench
