// Counts in the step's scalars, which many thread blocks add to. Sums of integers: their order
// changes nothing.
#pragma once

#include <cstdint>

namespace dtbench {

__device__ inline void add_count(int count, std::int64_t* total) {
  if (count > 0)
    atomicAdd(reinterpret_cast<unsigned long long*>(total), static_cast<unsigned long long>(count));
}

}  // namespace dtbench
