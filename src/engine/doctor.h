// What this build and device can do: the half of `dtbench doctor` that needs torch.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// Examines `device` ("cpu", "cuda", "cuda:N"; "" for cuda where there is one, else cpu):
//   {"torch", "device" (numerics/device.h), "device_name", "unavailable" (null, or why the device
//   cannot be used), "precision_switches", "canary", "canary_passed", "policies": [{"name",
//   "unsupported": null or why}], "products": {"fp32", "bf16", "fp16": hardware/measured_peak.h},
//   "copy_bytes_per_s", "sheet": null or {"preferred", "fp32", "tf32", "half", "memory"}, "gpu":
//   {"driver", "sample"}}.
// What needs the device is null where it is unavailable. The matmul rates are measured anew and
// replace the cached ones. Takes some seconds.
Json examine(const std::string& device);

}  // namespace dtbench
