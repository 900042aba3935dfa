// Fused attention on a GPU (ops/fused_attention.h): in 16 bits by the kernels that torch carries.
#pragma once

#include "engine/ops/fused_attention.h"

namespace dtbench::ops {

// Without padding FlashAttention-2; with padding, which that does not know, torch's
// memory-efficient kernel (Rabe and Staats 2021, arXiv 2112.05682) with the mask as a bias. Its
// fp32 goes through tensor cores, so that fp32 and fp64 are composed.
Value gpu_attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                    const KeyMask& mask);

}  // namespace dtbench::ops
