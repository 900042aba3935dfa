#include "engine/optim/clip.h"

#include <ATen/ATen.h>

#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {

void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient) {
  if (coefficient == 1) return;
  // Not gradient.mul_(coefficient): in 16 bits that rounds the coefficient, too, and one below
  // 2^-14 in fp16 to few digits or none.
  for (const at::Tensor& gradient : gradients) {
    const at::ScalarType inside = accumulation_type(gradient.scalar_type());
    if (gradient.scalar_type() == inside)
      gradient.mul_(coefficient);
    else
      gradient.copy_(gradient.to(inside) * coefficient);
  }
}

void clip_gradients(const std::vector<at::Tensor>& gradients, const DeviceScalars& scalars) {
  if (const StepScalars* here = scalars.at_hand())
    return scale_gradients(gradients, here->clip_coefficient);
  for (at::Tensor gradient : gradients)
    cuda_plugin().clip_gradient(scalars.address(), gradient);
}

}  // namespace dtbench
