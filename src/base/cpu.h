// What this machine's CPU can do that decides how the engine computes.
#pragma once

namespace dtbench {

// Whether it multiplies bf16 matrices by instructions of its own (AVX512_BF16 or AMX). Without them
// torch's bf16 products are several times slower than fp32's.
bool has_bf16_matmuls();

}  // namespace dtbench
