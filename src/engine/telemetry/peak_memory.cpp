#include "engine/telemetry/peak_memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <atomic>

#include "base/process_memory.h"
#include "engine/numerics/plugin.h"

namespace dtbench {
namespace {

class Counter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t change, std::size_t, std::size_t,
                         c10::Device device) override {
    if (!device.is_cpu()) return;
    const std::int64_t now = current_ += change;
    std::int64_t peak = peak_;
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t peak() const { return peak_; }

 private:
  std::atomic<std::int64_t> current_{0}, peak_{0};
};

}  // namespace

struct CpuPeakMemory::Impl {
  std::shared_ptr<Counter> counter = std::make_shared<Counter>();
  c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, counter};
};

CpuPeakMemory::CpuPeakMemory() : impl_(std::make_unique<Impl>()) {}
CpuPeakMemory::~CpuPeakMemory() = default;

std::int64_t CpuPeakMemory::peak_allocated_bytes() const {
  return impl_->counter->peak();
}

Json peak_memory(const CpuPeakMemory& cpu, const c10::Device& device) {
  Json memory = {{"peak_allocated_bytes", cpu.peak_allocated_bytes()},
                 {"peak_reserved_bytes", nullptr},
                 {"peak_resident_bytes", peak_resident_bytes()}};
  if (device.is_cuda()) {
    const DeviceStatistics statistics = cuda_plugin().peak_memory(device.index());
    memory["peak_allocated_bytes"] = statistics.peak_allocated_bytes;
    memory["peak_reserved_bytes"] = statistics.peak_reserved_bytes;
  }
  return memory;
}

Json larger_peaks(const Json& a, const Json& b) {
  if (a.is_null() || b.is_null()) return a.is_null() ? b : a;
  if (a.is_number()) return a.get<std::int64_t>() < b.get<std::int64_t>() ? b : a;
  Json larger = a;
  for (auto& [field, value] : larger.items())
    value = larger_peaks(value, b.at(field));
  return larger;
}

}  // namespace dtbench
