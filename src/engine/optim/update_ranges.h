// How an update's work on the CPU is shared among threads.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>

#include "engine/optim/tensor_update.h"

namespace dtbench {

// Calls update(first, count) for ranges that make up 0..elements, one a thread and each but the
// last ending at a multiple of `unit`, and adds up what they count.
template <typename Update>
UpdateCounts over_ranges(std::int64_t elements, std::int64_t unit, const Update& update) {
  constexpr std::int64_t kGrain = 1 << 15;
  return at::parallel_reduce(
      std::int64_t{0}, (elements + unit - 1) / unit, std::max<std::int64_t>(1, kGrain / unit),
      UpdateCounts{},
      [&](std::int64_t begin, std::int64_t end, UpdateCounts counts) {
        const std::int64_t first = begin * unit;
        return counts += update(first, std::min(end * unit, elements) - first);
      },
      [](UpdateCounts a, const UpdateCounts& b) { return a += b; });
}

// As over_ranges, and each range block by block.
template <typename Update>
UpdateCounts over_blocks(std::int64_t elements, std::int64_t block, const Update& update) {
  return over_ranges(elements, block, [&](std::int64_t first, std::int64_t count) {
    UpdateCounts counts;
    for (std::int64_t done = 0; done < count; done += block)
      counts += update(first + done, std::min(block, count - done));
    return counts;
  });
}

}  // namespace dtbench
