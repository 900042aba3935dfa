// What this engine can do on a device. What it cannot is a recorded skip, never another precision.
#pragma once

#include <c10/core/Device.h>

#include <optional>
#include <string>

#include "config/run_spec.h"

namespace dtbench {

// Why `spec` cannot run as asked, or nothing when it can.
std::optional<std::string> unsupported(const RunSpec& spec, const c10::Device& device);

}  // namespace dtbench
