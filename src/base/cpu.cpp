#include "base/cpu.h"

namespace dtbench {

bool has_bf16_matmuls() {
#ifdef __x86_64__
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;  // every AMX has it, too
  return has;
#else
  return true;  // left to torch, which knows Arm's
#endif
}

}  // namespace dtbench
