// Peak memory of a run: what torch's allocator handed out, and what the process held.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "base/json.h"

namespace dtbench {

// From construction to destruction, counts the bytes that torch's CPU allocator hands out to the
// constructing thread (autograd runs there too). It takes the profiler's slot, so that one made
// within another's life counts in its place: the outer one sees nothing of what is taken, and must
// see nothing of it freed.
class CpuPeakMemory {
 public:
  CpuPeakMemory();
  ~CpuPeakMemory();
  CpuPeakMemory(const CpuPeakMemory&) = delete;
  CpuPeakMemory& operator=(const CpuPeakMemory&) = delete;

  std::int64_t peak_allocated_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// {"peak_allocated_bytes", "peak_reserved_bytes" (null on the CPU), "peak_resident_bytes"}.
Json peak_memory(const CpuPeakMemory& cpu, const c10::Device& device);

// Field by field the larger of two such objects; null stands for nothing known.
Json larger_peaks(const Json& a, const Json& b);

}  // namespace dtbench
