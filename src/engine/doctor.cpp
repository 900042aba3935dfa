#include "engine/doctor.h"

#include <ATen/Context.h>
#include <torch/version.h>

#include <algorithm>

#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "config/resolve.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"
#include "engine/numerics/support.h"
#include "engine/ops/canary.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/matmul_rate.h"
#include "engine/telemetry/peaks.h"
#include "hardware/nvml.h"

namespace dtbench {
namespace {

std::string default_device() {
  return choose_device("cuda").unavailable ? "cpu" : "cuda";
}

Json policies_on(const std::string& name, const c10::Device& device) {
  ResolveRequest request{.configs = configs_folder(),
                         .scenario = "A",
                         .policy = {},
                         .preset = "tiny",
                         .file = {},
                         .command_line = {},
                         .environment = {}};
  Json policies = Json::array();
  for (const std::string& policy : policy_names(request.configs)) {
    request.policy = policy;
    RunSpec spec = resolve(request);
    spec.device = name;
    const auto reason = unsupported(spec, device);
    policies.push_back({{"name", policy}, {"unsupported", reason ? Json(*reason) : Json()}});
  }
  return policies;
}

Json matmuls_on(const c10::Device& device) {
  Json matmuls;
  for (const Dtype type : {Dtype::kFloat32, Dtype::kBFloat16, Dtype::kFloat16}) {
    const PeakKey key = peak_key(device, type, /*tf32=*/false);
    log_info(concat("measuring the rate of ", key.datatype, " matmuls ..."));
    matmuls[key.datatype] = measure_peak(cache_folder(), key, [&] {
      return sweep_matmuls(device, scalar_type(type), sweep_shapes(device));
    });
  }
  return matmuls;
}

Json to_json(const std::optional<SheetFigure>& figure) {
  return figure ? Json{{"value", figure->value}, {"source", figure->source}} : Json();
}

Json sheet_of(const c10::Device& device) {
  const auto sheet =
      device.is_cuda() ? find_spec_sheet(configs_folder(), device_name(device)) : std::nullopt;
  if (!sheet) return nullptr;
  return {{"preferred", sheet->preferred},
          {"fp32", to_json(sheet->fp32)},
          {"tf32", to_json(sheet->tf32)},
          {"half", to_json(sheet->half)},
          {"memory", to_json(sheet->memory)}};
}

Json gpu_state(const c10::Device& device) {
  if (!device.is_cuda()) return nullptr;
  std::string reason;
  const auto nvml = Nvml::open(reason);
  if (nvml == nullptr) return {{"nvml", reason}};
  return {{"nvml", "works"},
          {"driver", nvml->driver_version()},
          {"state", to_json(nvml->sample(cuda_plugin().pci_bus_id(device.index())))}};
}

}  // namespace

Json examine(const std::string& asked) {
  const std::string name = asked.empty() ? default_device() : asked;
  const DeviceChoice choice = choose_device(name);
  Json found = {{"torch", TORCH_VERSION},
                {"asked", name},
                {"unavailable", choice.unavailable ? Json(*choice.unavailable) : Json()}};
  if (choice.unavailable) return found;
  const c10::Device& device = choice.device;
  found["precision_switches"] = set_float32_precision(/*tf32=*/false);
  found["device"] = describe_device(device);
  found["device_name"] = device_name(device);
  found["sheet"] = sheet_of(device);
  found["gpu"] = gpu_state(device);
  const std::vector<CanaryCheck> canary = run_canary(device);
  found["canary"] = to_json(canary);
  found["canary_passed"] = std::all_of(canary.begin(), canary.end(),
                                       [](const CanaryCheck& check) { return check.passed(); });
  found["policies"] = policies_on(name, device);
  found["products"] = matmuls_on(device);
  found["copy_bytes_per_s"] = copy_rate(device);
  return found;
}

}  // namespace dtbench
