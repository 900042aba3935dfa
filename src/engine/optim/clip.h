// Clipping by global norm (Pascanu et al. 2013, arXiv 1211.5063).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dtbench {

// Scales `gradients` in place by min(1, max_norm / (norm + 1e-6)), as torch's clip_grad_norm_, and
// returns the norm before clipping. The norm is computed in fp32 whatever the gradients' datatype
// (fp64 for fp64), so it does not overflow where they do not. A finite norm proves every gradient
// finite. Synchronizes with the device.
double clip_by_global_norm(const std::vector<at::Tensor>& gradients, double max_norm);

}  // namespace dtbench
