// NVIDIA's Management Library, found at run time: clocks, power, temperature and the reasons why a
// GPU runs slower than it could. A machine without a GPU has none, and nothing here links it.
// Source: NVML API Reference Guide (docs.nvidia.com/deploy/nvml-api).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dtbench {

// One moment of a GPU. What the driver does not tell is left out.
struct GpuSample {
  std::optional<double> sm_clock_mhz;
  std::optional<double> power_w;
  std::optional<double> temperature_c;
  // Why the clock is lower than it could be: "power_cap", "thermal", "hardware_slowdown",
  // "power_brake", "clock_setting", "sync_boost"; an idle GPU's own slowing down is none.
  std::optional<std::vector<std::string>> throttle;
  std::optional<std::int64_t> compute_processes;  // that use the GPU, this one among them
};

// What a GPU is.
struct GpuModel {
  std::string name;                // as the driver calls it: "NVIDIA A40"
  int major = 0, minor = 0;        // CUDA compute capability
  std::uint64_t memory_bytes = 0;  // all of it, whatever is in use

  bool operator==(const GpuModel&) const = default;
};

class Nvml {
 public:
  // Null where the library is not there or does not start; `reason` then says why.
  static std::unique_ptr<Nvml> open(std::string& reason,
                                    const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::string driver_version() const;  // "" where the driver does not tell

  // All GPUs, by PCI address. Those that the driver does not describe are left out.
  std::vector<GpuModel> models() const;

  // The GPU at a PCI address as CUDA gives it ("0000:01:00.0"): CUDA's own numbering may leave out
  // or reorder devices. Nothing when there is none.
  std::optional<GpuSample> sample(const std::string& pci_bus_id) const;

 private:
  struct Functions;
  Nvml(void* handle, std::unique_ptr<Functions> functions);

  void* handle_;
  std::unique_ptr<Functions> functions_;
};

}  // namespace dtbench
