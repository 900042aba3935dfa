#include "engine/numerics/device.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <fstream>

#include "base/error.h"
#include "base/text.h"
#include "engine/numerics/plugin.h"

namespace dtbench {
namespace {

std::string cpu_model() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

DeviceChoice choose_device(const std::string& name) {
  DeviceChoice choice;
  if (name == "cpu") return choice;
  std::string reason;
  if (load_cuda_plugin(reason) == nullptr) {
    choice.unavailable = reason;
    return choice;
  }
  const c10::Device device(name);
  const int count = static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
  const int index = device.has_index() ? device.index() : 0;
  if (index >= count) {
    choice.unavailable =
        concat("the machine has ", count, " visible CUDA devices, but the cell requests ", name);
    return choice;
  }
  choice.device = c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
  return choice;
}

Json describe_device(const c10::Device& device) {
  Json description = {{"device", device.str()},
                      {"threads", at::get_num_threads()},
                      {"cpu", cpu_model()},
                      {"cpu_capability", at::get_cpu_capability()}};
  if (device.is_cuda()) description["cuda"] = cuda_plugin().describe_device(device.index());
  return description;
}

Json card_uuid(const c10::Device& device) {
  return device.is_cuda() ? Json(uuid_text(cuda_plugin().uuid(device.index()))) : Json();
}

std::string uuid_text(const std::array<unsigned char, 16>& bytes) {
  std::string text = hexadecimal(bytes);
  for (const std::size_t at : {20, 16, 12, 8})
    text.insert(at, 1, '-');
  return text;
}

void synchronize(const c10::Device& device) {
  if (device.is_cuda()) cuda_plugin().synchronize(device.index());
}

}  // namespace dtbench
