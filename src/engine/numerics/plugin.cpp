#include "engine/numerics/plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "base/places.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::optional<CudaPlugin>& registered() {
  static std::optional<CudaPlugin> plugin;
  return plugin;
}

std::filesystem::path plugin_path() {
  return program_folder() / "libdtbench_cuda.so";
}

}  // namespace

void register_cuda_plugin(const CudaPlugin& plugin) {
  registered() = plugin;
}

const CudaPlugin* load_cuda_plugin(std::string& reason) {
  if (registered()) return &*registered();
  const std::filesystem::path path = plugin_path();
  if (!std::filesystem::exists(path)) {
    reason = "this build has no CUDA plug-in (libdtbench_cuda.so beside dtbench-engine)";
    return nullptr;
  }
  // Global, so that torch's CUDA libraries that come with it register themselves for all of ATen.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    reason = concat("the CUDA plug-in cannot be loaded: ", dlerror());
    return nullptr;
  }
  if (!registered()) throw std::logic_error("the CUDA plug-in did not register itself");
  return &*registered();
}

const CudaPlugin& cuda_plugin() {
  if (!registered()) throw std::logic_error("a CUDA operation without the CUDA plug-in");
  return *registered();
}

}  // namespace dtbench
