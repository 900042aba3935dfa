// Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063), as torch's clip_grad_norm_, in
// two parts: gradients that a fused update unscales are clipped there, too, and nowhere else. The
// coefficient is decided in optim/step_decision.h, from the norm of optim/stored_norm.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/numerics/device_scalars.h"

namespace dtbench {

// Multiplies in place by the coefficient, in fp32 (fp64), with one rounding to the gradients'
// datatype. Leaves them bit for bit as they are when it is 1.
void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient);
// Likewise, by StepScalars::clip_coefficient; launched, not waited for.
void clip_gradients(const std::vector<at::Tensor>& gradients, const DeviceScalars& scalars);

}  // namespace dtbench
