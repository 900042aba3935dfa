// AdamW with both moments in 8 bits: one code an element, one fp32 scale a block of 256 elements of
// the flattened tensor (Dettmers et al. 2021, arXiv 2110.02861). The update uses the unquantized
// moments. A second moment below 1.6e-7 of its block's largest is stored as 0, and its element
// takes a step without measure next time: UpdateCounts::zero_point_hits.
#pragma once

#include "engine/optim/blockwise_element.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

// Smaller tensors keep fp32 states, as in bitsandbytes (min_8bit_size).
inline constexpr std::int64_t kSmallest8BitTensor = 4096;

// Both moments zero.
ParameterState initial_blockwise_state(const at::Tensor& value);

BlockwiseFactors blockwise_factors(const AdamWStep& step);

// On the CPU. Rounds the weight once, to nearest, on store.
UpdateCounts blockwise_update(const TensorUpdate& update);

}  // namespace dtbench
