// Under what conditions a run was timed: clocks, power, temperature, load. Sampled at the ends of
// steps, outside what is timed, and not more often than a few times a second.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "hardware/host.h"
#include "hardware/nvml.h"

namespace dtbench {

class ConditionsSampler {
 public:
  // `steps`: where the run ends; its last step is always sampled.
  ConditionsSampler(const c10::Device& device, std::int64_t steps);

  // The "conditions" of a line of steps.jsonl: a sample that covers the time since the last one, or
  // null when none is due.
  Json at_end_of(std::int64_t step);

 private:
  Json gpu() const;

  std::int64_t steps_;
  double last_;
  CoreWait wait_;
  std::unique_ptr<Nvml> nvml_;
  std::string pci_bus_id_;
};

// Null for no sample, else {"sm_clock_mhz", "power_w", "temperature_c", "throttle",
// "compute_processes"}.
Json to_json(const std::optional<GpuSample>& sample);

// result.json's "conditions", from the lines of steps.jsonl.
Json conditions(const std::vector<Json>& steps);

}  // namespace dtbench
