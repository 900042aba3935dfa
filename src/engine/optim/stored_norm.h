// The global norm of the gradients, right for tensors of any size (docs/adr/0024).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dtbench {

// Of all gradients as they are stored, an fp64 scalar on their device. Squares and their sums over
// blocks are in fp32 whatever the gradients' datatype (fp64 for fp64), so they do not overflow
// where the gradients do not; the blocks are combined in fp64, in their order. A finite norm proves
// every gradient finite. Launched, not waited for.
at::Tensor stored_norm(const std::vector<at::Tensor>& gradients);

}  // namespace dtbench
