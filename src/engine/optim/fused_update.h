// torch's `fused` arithmetic on the CPU: everything in fp32 (fp64 for fp64) from the stored values,
// the weight's update from the unrounded moments, then one rounding each on store. Elements do not
// depend on each other, so the result does not depend on the number of threads.
#pragma once

#include "engine/optim/tensor_update.h"

namespace dtbench {

// Equals torch's fused AdamW bit for bit where parameter, gradient and states share a datatype and
// rounding is to nearest; but torch does without a fused multiply-add in the last numel mod W
// elements of a tensor, W being the machine's vector length (16 in fp32, 32 in 16 bits with
// AVX-512), and here all elements are alike.
UpdateCounts fused_update(const TensorUpdate& update);

}  // namespace dtbench
