#include "base/plugin.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "base/places.h"
#include "base/text.h"

namespace dtbench {

void* plugin_entry(const std::string& file, const char* entry, const std::string& consequence,
                   const std::string& hint) {
  const std::filesystem::path path = program_folder() / file;
  const auto fail = [&](const std::string& why) {
    return Error(ExitCode::kPermanent, concat(consequence, ": '", path.string(), "' ", why, "."),
                 hint);
  };
  if (!has_plugin(file)) throw fail("was not found");
  void* plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) throw fail(concat("cannot be loaded: ", dlerror()));
  void* found = dlsym(plugin, entry);
  if (found == nullptr) throw fail("belongs to another build");
  return found;
}

bool has_plugin(const std::string& file) {
  return std::filesystem::exists(program_folder() / file);
}

}  // namespace dtbench
