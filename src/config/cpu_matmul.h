// Which matrix products a CPU computes as fp32 ones: the engine does so, the memory estimate counts
// their operands.
#pragma once

#include "base/cpu.h"
#include "config/policy.h"

namespace dtbench {

// fp16 everywhere, bf16 without bf16 instructions: torch's own products of them are ten to a
// hundred times slower there.
inline bool multiplies_as_fp32_on_cpu(Dtype operands) {
  return operands == Dtype::kFloat16 || (operands == Dtype::kBFloat16 && !has_bf16_matmuls());
}

}  // namespace dtbench
