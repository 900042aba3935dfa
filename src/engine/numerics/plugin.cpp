#include "engine/numerics/plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "base/places.h"
#include "base/program.h"
#include "base/sha256.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::optional<CudaPlugin>& registered() {
  static std::optional<CudaPlugin> plugin;
  return plugin;
}

// Of a plug-in that was not taken.
std::string& foreign_revision() {
  static std::string revision;
  return revision;
}

std::filesystem::path plugin_path() {
  return program_folder() / "libdtbench_cuda.so";
}

}  // namespace

void register_cuda_plugin(const CudaPlugin& plugin) {
  if (program_identity().at("source_revision").get<std::string>() == plugin.source_revision)
    registered() = plugin;
  else
    foreign_revision() = plugin.source_revision;
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
  if (!foreign_revision().empty()) {
    reason =
        concat("the CUDA plug-in is of source revision ", foreign_revision(), ", the engine of ",
               program_identity().at("source_revision").get<std::string>(), ": rebuild both");
    return nullptr;
  }
  if (!registered()) throw std::logic_error("the CUDA plug-in did not register itself");
  return &*registered();
}

Json cuda_plugin_identity() {
  if (!registered()) return nullptr;
  return {{"sha256", sha256_file(plugin_path())},
          {"source_revision", registered()->source_revision},
          {"compiler", registered()->compiler},
          {"compile_flags", registered()->compile_flags}};
}

const CudaPlugin& cuda_plugin() {
  if (!registered()) throw std::logic_error("a CUDA operation without the CUDA plug-in");
  return *registered();
}

}  // namespace dtbench
