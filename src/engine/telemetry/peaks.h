// The peaks that a cell's MFU is compared with.
#pragma once

#include <c10/core/Device.h>

#include <optional>
#include <string>

#include "base/json.h"
#include "config/policy.h"
#include "hardware/measured_peak.h"
#include "hardware/spec_sheet.h"

namespace dtbench {

// What the driver or the kernel calls the device, for data sheets and for records of peaks.
std::string device_name(const c10::Device& device);

// For matmuls with `operands` (tf32: fp32 operands that may be cut to it) on `device`, with this
// torch and its threads.
PeakKey peak_key(const c10::Device& device, Dtype operands, bool tf32);

struct Peaks {
  std::optional<SheetFigure> spec;  // of a GPU that configs/hardware.toml names
  std::optional<Json> measured;     // hardware/measured_peak.h
};

// Those of several such devices together.
Peaks of_all(Peaks peaks, std::int64_t devices);

// The data sheet's peak, and the one measured on this machine: kept from an earlier run, or
// measured now, which takes a second or two and is said on standard error. A folder that cannot be
// read or written leaves the peak out, with a warning: it is no reason to lose a result.
Peaks find_peaks(const c10::Device& device, Dtype operands, bool tf32);

}  // namespace dtbench
