#include "engine/ops/binary_cross_entropy.h"

#include <ATen/ATen.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {

Value binary_cross_entropy(Tape& tape, const Value& logits, const at::Tensor& targets,
                           const LossNormalizer& normalizer) {
  const at::ScalarType stored = logits.scalar_type(), inside = accumulation_type(stored);
  const at::Tensor values = logits.tensor().to(inside), truth = targets.to(inside);
  at::Tensor gradient;
  if (tape.differentiates())
    gradient = at::sigmoid(values).sub_(truth).mul_(normalizer.factor).to(stored);
  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) overflows for no x.
  const at::Tensor losses =
      values.clamp_min(0) + values.abs().neg_().exp_().log1p_() - truth * values;
  return tape.record("binary_cross_entropy", {logits}, losses.sum(at::kDouble) / normalizer.count,
                     [gradient](const Tensors&) -> Tensors { return {gradient}; });
}

Value binary_cross_entropy_chain(Tape& tape, const Value& logits, const at::Tensor& targets,
                                 const LossNormalizer& normalizer) {
  return chain_loss(tape, "binary_cross_entropy_chain", logits, targets.numel(), normalizer,
                    [&](const at::Tensor& x) {
                      // torch computes in the targets' datatype all but the log-sigmoid.
                      const at::Tensor truth = targets.to(accumulation_type(x.scalar_type()));
                      return at::binary_cross_entropy_with_logits(x, truth, {}, {},
                                                                  at::Reduction::Mean);
                    });
}

}  // namespace dtbench::ops
