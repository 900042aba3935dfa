#include "engine/ops/loss.h"

#include <ATen/ATen.h>

#include <utility>

#include "engine/ops/torch_chain.h"

namespace dtbench {

LossNormalizer::LossNormalizer(at::Tensor target_count, at::Tensor loss_scale)
    : count(std::move(target_count)),
      scale(std::move(loss_scale)),
      factor(scale.to(at::kDouble) / count) {}

LossNormalizer::LossNormalizer(double target_count, double loss_scale)
    : LossNormalizer(at::full({}, target_count, at::kDouble),
                     at::full({}, loss_scale, at::kDouble)) {}

namespace ops {

Value chain_loss(Tape& tape, std::string_view operation, const Value& logits, std::int64_t targets,
                 const LossNormalizer& normalizer,
                 const std::function<at::Tensor(const at::Tensor&)>& mean) {
  const at::Tensor share = static_cast<double>(targets) / normalizer.count;
  const Value value = torch_chain(tape, operation, logits, mean);
  return tape.record(
      "share_of_mean", {value}, value.tensor().to(at::kDouble) * share,
      [gradient = normalizer.scale.to(at::kDouble) * share, options = value.tensor().options()](
          const Tensors&) -> Tensors { return {gradient.to(options)}; });
}

}  // namespace ops
}  // namespace dtbench
