#include "hardware/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace dtbench {
namespace {

// As far as nvml.h's declarations are needed.
using Device = void*;
constexpr int kSuccess = 0;
constexpr int kInsufficientSize = 7;
constexpr int kClockSm = 1;
constexpr int kTemperatureGpu = 0;

constexpr unsigned int kNameLength = 96;  // NVML_DEVICE_NAME_V2_BUFFER_SIZE

struct Memory {  // nvmlMemory_t
  unsigned long long total, free, used;
};

struct ProcessInfo {  // nvmlProcessInfo_v2_t
  unsigned int pid;
  unsigned long long used_memory;
  unsigned int gpu_instance, compute_instance;
};

// nvmlClocksThrottleReasons: bits, in the order of their values.
struct Reason {
  unsigned long long bit;
  const char* name;
};
constexpr std::array kReasons = {
    Reason{0x02, "clock_setting"},      // application clocks
    Reason{0x04, "power_cap"},          // software power cap
    Reason{0x08, "hardware_slowdown"},  // power or temperature too high, not told which
    Reason{0x10, "sync_boost"},        Reason{0x20, "thermal"},          // software
    Reason{0x40, "thermal"},                                             // hardware
    Reason{0x80, "power_brake"},       Reason{0x100, "clock_setting"}};  // display clocks

std::vector<std::string> names_of(unsigned long long reasons) {
  std::vector<std::string> names;
  for (const auto& [bit, name] : kReasons)
    if ((reasons & bit) != 0 && std::find(names.begin(), names.end(), name) == names.end())
      names.emplace_back(name);
  return names;
}

}  // namespace

struct Nvml::Functions {
  int (*init)();
  int (*shutdown)();
  int (*driver_version)(char* version, unsigned int length);
  int (*device_by_pci)(const char* pci_bus_id, Device* device);
  int (*count)(unsigned int* count);
  int (*device_by_index)(unsigned int index, Device* device);
  int (*name)(Device device, char* name, unsigned int length);
  int (*capability)(Device device, int* major, int* minor);
  int (*memory)(Device device, Memory* memory);
  int (*clock)(Device device, int type, unsigned int* mhz);
  int (*power)(Device device, unsigned int* milliwatts);
  int (*temperature)(Device device, int sensor, unsigned int* celsius);
  int (*throttle_reasons)(Device device, unsigned long long* reasons);
  int (*processes)(Device device, unsigned int* count, ProcessInfo* processes);
};

namespace {

template <typename Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

// Calls `function(device, ..., &value)` where the driver has it; its value where that succeeds.
template <typename Value, typename Function, typename... Arguments>
std::optional<Value> ask(Function function, Device device, Arguments... arguments) {
  Value value{};
  if (function == nullptr || function(device, arguments..., &value) != kSuccess)
    return std::nullopt;
  return value;
}

}  // namespace

std::unique_ptr<Nvml> Nvml::open(std::string& reason, const std::string& library) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    reason = concat("NVML cannot be loaded: ", dlerror());
    return nullptr;
  }
  auto functions = std::make_unique<Functions>();
  Functions& f = *functions;
  // All drivers of this decade have these; the rest is left out where it is missing.
  const bool usable = find(handle, "nvmlInit_v2", f.init) &&
                      find(handle, "nvmlShutdown", f.shutdown) &&
                      find(handle, "nvmlDeviceGetHandleByPciBusId_v2", f.device_by_pci);
  find(handle, "nvmlSystemGetDriverVersion", f.driver_version);
  find(handle, "nvmlDeviceGetCount_v2", f.count);
  find(handle, "nvmlDeviceGetHandleByIndex_v2", f.device_by_index);
  find(handle, "nvmlDeviceGetName", f.name);
  find(handle, "nvmlDeviceGetCudaComputeCapability", f.capability);
  find(handle, "nvmlDeviceGetMemoryInfo", f.memory);
  find(handle, "nvmlDeviceGetClockInfo", f.clock);
  find(handle, "nvmlDeviceGetPowerUsage", f.power);
  find(handle, "nvmlDeviceGetTemperature", f.temperature);
  find(handle, "nvmlDeviceGetCurrentClocksThrottleReasons", f.throttle_reasons);
  find(handle, "nvmlDeviceGetComputeRunningProcesses_v3", f.processes);
  const int started = usable ? f.init() : -1;
  if (started == kSuccess) return std::unique_ptr<Nvml>(new Nvml(handle, std::move(functions)));
  reason = usable ? concat("NVML did not start: error ", started)
                  : concat(library, " is not NVML of version 11 or later");
  dlclose(handle);
  return nullptr;
}

Nvml::Nvml(void* handle, std::unique_ptr<Functions> functions)
    : handle_(handle), functions_(std::move(functions)) {}

Nvml::~Nvml() {
  functions_->shutdown();
  dlclose(handle_);
}

std::string Nvml::driver_version() const {
  std::array<char, 96> version{};
  if (functions_->driver_version == nullptr ||
      functions_->driver_version(version.data(), version.size()) != kSuccess)
    return "";
  return version.data();
}

std::vector<GpuModel> Nvml::models() const {
  const Functions& f = *functions_;
  if (f.count == nullptr || f.device_by_index == nullptr || f.name == nullptr ||
      f.capability == nullptr || f.memory == nullptr)
    return {};
  std::vector<GpuModel> models;
  unsigned int count = 0;
  if (f.count(&count) != kSuccess) return {};
  for (unsigned int index = 0; index < count; ++index) {
    Device device = nullptr;
    std::array<char, kNameLength> name{};
    Memory memory{};
    GpuModel model;
    if (f.device_by_index(index, &device) != kSuccess ||
        f.name(device, name.data(), kNameLength) != kSuccess ||
        f.capability(device, &model.major, &model.minor) != kSuccess ||
        f.memory(device, &memory) != kSuccess)
      continue;
    model.name = name.data();
    model.memory_bytes = memory.total;
    models.push_back(std::move(model));
  }
  return models;
}

std::optional<GpuSample> Nvml::sample(const std::string& pci_bus_id) const {
  Device device = nullptr;
  if (functions_->device_by_pci(pci_bus_id.c_str(), &device) != kSuccess) return std::nullopt;
  GpuSample sample;
  sample.sm_clock_mhz = ask<unsigned int>(functions_->clock, device, kClockSm);
  if (const auto milliwatts = ask<unsigned int>(functions_->power, device))
    sample.power_w = *milliwatts / 1e3;
  sample.temperature_c = ask<unsigned int>(functions_->temperature, device, kTemperatureGpu);
  if (const auto reasons = ask<unsigned long long>(functions_->throttle_reasons, device))
    sample.throttle = names_of(*reasons);
  if (functions_->processes != nullptr) {
    std::array<ProcessInfo, 64> list{};
    unsigned int count = list.size();
    const int result = functions_->processes(device, &count, list.data());
    if (result == kSuccess || result == kInsufficientSize) sample.compute_processes = count;
  }
  return sample;
}

}  // namespace dtbench
