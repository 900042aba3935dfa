// The GPU that cells are trained on, in one line.
#pragma once

#include <cstddef>
#include <string>

namespace dtbench {

// The cards that the study is planned for: those that are preferred in configs/hardware.toml.
inline constexpr const char* kPreferredGpus = "RTX A6000 or A40";

// Logs what cells are trained on, `count` GPUs: "GPU: NVIDIA A40, capability 8.6, 45.0 GiB,
// preferred". From NVML: nothing starts on the GPU. Where a machine has several models it names
// them all; a record names its own. Nothing for the device "cpu".
void log_gpus(const std::string& device, std::size_t count);

}  // namespace dtbench
