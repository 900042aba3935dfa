// Fused and block-wise 8-bit updates on a CUDA device, through the plug-in.
#pragma once

#include <vector>

#include "engine/optim/tensor_update.h"

namespace dtbench {

// Gives the bits of fused_update and blockwise_update. Waits for the device to read the counts.
UpdateCounts cuda_update(const std::vector<TensorUpdate>& updates);

}  // namespace dtbench
