// torch's `foreach` arithmetic (_multi_tensor_adam in torch/optim/adam.py, decoupled decay): each
// operation of AdamW is one pass over all tensors, and its result is rounded to their datatype. In
// fp16 an epsilon of 1e-8 is 0, and an element without a gradient becomes 0 / 0.
#pragma once

#include <vector>

#include "engine/numerics/device_scalars.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

// All of one step's parameters with the same weight decay. Parameter, gradient and states share a
// datatype, rounding is to nearest, and the gradient factor is 1: std::logic_error otherwise. Adds
// what was lost to the counts of `scalars`.
void foreach_update(const std::vector<TensorUpdate>& updates, DeviceScalars& scalars);

}  // namespace dtbench
