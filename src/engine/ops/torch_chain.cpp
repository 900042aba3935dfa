#include "engine/ops/torch_chain.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace dtbench::ops {

Value torch_chain(Tape& tape, std::string_view operation, const Value& x,
                  const std::function<at::Tensor(const at::Tensor&)>& chain) {
  if (!tape.differentiates()) return tape.record(operation, {x}, chain(x.tensor()), {});
  const c10::AutoGradMode recorded_by_torch(true);
  const at::Tensor start = x.tensor().detach().requires_grad_();
  const at::Tensor end = chain(start);
  return tape.record(operation, {x}, end.detach(), [start, end](Tensors dy) -> Tensors {
    return {torch::autograd::grad({end}, {start}, {dy[0]}).front()};
  });
}

}  // namespace dtbench::ops
