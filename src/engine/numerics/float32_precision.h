// What an fp32 matmul means: every switch that lets torch compute it in TF32 or bf16, or reduce
// 16-bit matmuls in 16 bits, is set from the policy and read back.
#pragma once

#include "base/json.h"

namespace dtbench {

// Sets all switches for a policy with `tf32` on or off: cuBLAS, cuDNN (convolution and RNN keep
// their own), oneDNN; reduced-precision reductions and fp16 accumulation off in either case.
// Returns what was read back, for audit.json. Throws Error (usage) when the environment forces TF32
// (TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, NVIDIA_TF32_OVERRIDE other than 0) and std::logic_error when a
// switch does not read back as set.
Json set_float32_precision(bool tf32);

}  // namespace dtbench
