#include "engine/telemetry/peaks.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <exception>

#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "engine/numerics/device.h"
#include "engine/numerics/scalar_type.h"
#include "engine/telemetry/matmul_rate.h"

namespace dtbench {
namespace {

template <typename Find>
void or_warn(const char* what, const Find& find) {
  try {
    find();
  } catch (const std::exception& error) {
    log_warning(concat(what, " is left out: ", error.what()));
  }
}

}  // namespace

std::string device_name(const c10::Device& device) {
  const Json description = describe_device(device);
  if (device.is_cuda()) return description.at("cuda").at("name");
  return concat(description.at("cpu").get<std::string>(), ", ",
                description.at("cpu_capability").get<std::string>());
}

PeakKey peak_key(const c10::Device& device, Dtype operands, bool tf32) {
  return {device_name(device), matmul_datatype(operands, tf32), TORCH_VERSION,
          at::get_num_threads()};
}

Peaks of_all(Peaks peaks, std::int64_t devices) {
  const auto times = static_cast<double>(devices);
  if (peaks.spec) peaks.spec->value *= times;
  if (peaks.measured)
    (*peaks.measured)["flops_per_s"] = peaks.measured->at("flops_per_s").get<double>() * times;
  return peaks;
}

Peaks find_peaks(const c10::Device& device, Dtype operands, bool tf32) {
  Peaks peaks;
  or_warn("the data sheet's peak", [&] {
    if (!device.is_cuda()) return;
    const auto sheet = find_spec_sheet(configs_folder(), device_name(device));
    if (sheet) peaks.spec = matmul_peak(*sheet, operands, tf32);
  });
  or_warn("the measured peak", [&] {
    const PeakKey key = peak_key(device, operands, tf32);
    peaks.measured = read_or_measure_peak(cache_folder(), key, [&] {
      log_info(
          concat("measuring this device's rate of ", key.datatype, " matmuls, once, for MFU ..."));
      return sweep_matmuls(device, scalar_type(operands), sweep_shapes(device));
    });
  });
  return peaks;
}

}  // namespace dtbench
