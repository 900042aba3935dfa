// Peak memory of a run: what torch's allocator handed out, and what the process held.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>

#include "base/json.h"

namespace dtbench {

// From construction to destruction, counts the bytes that torch's CPU allocator hands out to the
// constructing thread (autograd runs there too). It takes the profiler's slot.
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

// While it lives, what this thread takes from torch's CPU allocator counts nowhere. What is taken
// within must be freed within.
class UncountedCpuMemory {
 public:
  UncountedCpuMemory();
  ~UncountedCpuMemory();
  UncountedCpuMemory(const UncountedCpuMemory&) = delete;
  UncountedCpuMemory& operator=(const UncountedCpuMemory&) = delete;

 private:
  std::unique_ptr<CpuPeakMemory> instead_;
};

// {"peak_allocated_bytes", "peak_reserved_bytes" (null on the CPU), "peak_resident_bytes"}.
Json peak_memory(const CpuPeakMemory& cpu, const c10::Device& device);

// Field by field the larger of two such objects; null stands for nothing known.
Json larger_peaks(const Json& a, const Json& b);

}  // namespace dtbench
