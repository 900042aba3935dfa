// Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063), as torch's clip_grad_norm_ but for
// the norm, which is computed in fp32 whatever the gradients' datatype.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dtbench {

// Euclidean norm over all gradients, each multiplied by `factor`: in fp32 (fp64 for fp64), so it
// does not overflow where 16-bit gradients do not. A finite norm proves every gradient finite.
// Synchronizes with the device.
double global_norm(const std::vector<at::Tensor>& gradients, double factor = 1);

// min(1, max_norm / (norm + 1e-6)). 1 also when the norm is NaN: the gradients are left as they are.
double clip_coefficient(double norm, double max_norm);

// In place, where the coefficient is below 1; the product is rounded once to the gradients' datatype.
void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient);

}  // namespace dtbench
