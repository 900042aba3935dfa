// Fused and block-wise 8-bit updates on a CUDA device, through the plug-in. Launched, not waited
// for: what varies from step to step is read on the device, so a captured launch stays valid.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <vector>

#include "engine/numerics/device_scalars.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

class CudaUpdate {
 public:
  explicit CudaUpdate(const c10::Device& device);

  // Gives the bits of fused_update and blockwise_update. The tensors of a group share an AdamWStep,
  // whose gradient factor is that of `scalars`, unknown to the host. Adds to their counts.
  using Groups = std::array<std::vector<TensorUpdate>, 2>;
  void launch(const Groups& groups, DeviceScalars& scalars);

 private:
  at::Tensor tables_;   // [4, 256] fp32: map and thresholds, signed then unsigned
  at::Tensor factors_;  // [groups, bytes] uint8: AdamWFactors and BlockwiseFactors
};

}  // namespace dtbench
