#include "engine/ops/loss.h"

#include <ATen/ATen.h>

#include "engine/ops/torch_chain.h"

namespace dtbench::ops {

Value chain_loss(Tape& tape, std::string_view operation, const Value& logits, std::int64_t targets,
                 const LossNormalizer& normalizer,
                 const std::function<at::Tensor(const at::Tensor&)>& mean) {
  const double share = static_cast<double>(targets) / normalizer.count;
  const Value value = torch_chain(tape, operation, logits, mean);
  return tape.record("share_of_mean", {value}, value.tensor().to(at::kDouble) * share,
                     [gradient = normalizer.scale * share, options = value.tensor().options()](
                         const Tensors&) -> Tensors { return {at::full({}, gradient, options)}; });
}

}  // namespace dtbench::ops
