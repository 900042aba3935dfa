// The device a cell runs on, as the spec names it: "cpu", "cuda", "cuda:N".
#pragma once

#include <c10/core/Device.h>

#include <array>
#include <optional>
#include <string>

#include "base/json.h"

namespace dtbench {

struct DeviceChoice {
  c10::Device device = c10::Device(c10::kCPU);
  std::optional<std::string> unavailable;  // why the device cannot be used; the cell is skipped
};

// Never substitutes another device.
DeviceChoice choose_device(const std::string& name);

// Name, capability, memory, versions, threads: for audit.json.
Json describe_device(const c10::Device& device);

// The card itself, not its kind: CUDA's UUID, as `nvidia-smi -L` prints it after "GPU-". Null for a
// CPU. No part of a run's identity: a run may go on with another card of the same kind.
Json card_uuid(const c10::Device& device);
std::string uuid_text(const std::array<unsigned char, 16>& bytes);  // RFC 9562

// Waits until the device has done everything asked of it (nothing to do on the CPU).
void synchronize(const c10::Device& device);

}  // namespace dtbench
