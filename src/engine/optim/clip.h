// Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063), as torch's clip_grad_norm_, in
// two parts: gradients that a fused update unscales are clipped there, too, and nowhere else.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dtbench {

// The norm of all gradients, each multiplied by `factor`, in fp32 whatever the gradients' datatype
// (fp64 for fp64), so it does not overflow where they do not. A finite norm proves every gradient
// finite. Synchronizes with the device.
double global_norm(const std::vector<at::Tensor>& gradients, double factor);

// min(1, max_norm / (norm + 1e-6)); 1 when the norm is NaN.
double clip_coefficient(double norm, double max_norm);

// Multiplies in place by the coefficient, in fp32 (fp64), with one rounding to the gradients'
// datatype. Leaves them bit for bit as they are when it is 1.
void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient);

}  // namespace dtbench
