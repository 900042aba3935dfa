#include "config/extension.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "base/program.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHint =
    "An extension is built by dtbench_extension() of cmake/Extension.cmake.";

std::vector<Extension>& loaded() {
  static std::vector<Extension> extensions;
  return extensions;
}

// A function of the library, which stays loaded.
template <typename Function>
Function* function_of(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

// Structs pass between the two, so both are of one revision.
void require_same_revision(void* library, const fs::path& file) {
  auto* revision = function_of<const char*()>(library, "dtbench_extension_revision");
  if (revision == nullptr)
    throw usage_error(concat("'", file.string(), "' is no extension of dtbench."), kHint);
  const auto own = program_identity().at("source_revision").get<std::string>();
  if (own != revision())
    throw usage_error(concat("The extension '", file.string(), "' is of source revision ",
                             revision(), ", the program of ", own, "."),
                      "Rebuild both.");
}

}  // namespace

fs::path engine_half(const fs::path& file) {
  return file.parent_path() / (file.stem().string() + "-engine.so");
}

void load_extension(const fs::path& file, ExtensionHalf half) {
  std::error_code error;
  const fs::path whole = fs::canonical(file, error);
  if (error) throw usage_error(concat("The extension '", file.string(), "' is not there."), kHint);
  require_file(whole, "--extension");  // the loader would wait for the other end of a pipe
  const auto same = [&](const Extension& other) { return other.file == whole; };
  if (std::any_of(loaded().begin(), loaded().end(), same)) return;

  const fs::path library_file = half == ExtensionHalf::kEngine ? engine_half(whole) : whole;
  void* library = dlopen(library_file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw usage_error(
        concat("The extension '", library_file.string(), "' does not load: ", dlerror(), "."),
        kHint);
  require_same_revision(library, library_file);
  auto* entry = function_of<void()>(library, "dtbench_extension");
  if (entry == nullptr)
    throw usage_error(concat("'", library_file.string(), "' has no DTBENCH_EXTENSION."), kHint);
  entry();
  loaded().push_back({whole.stem().string(), whole});
}

void load_extensions_of_environment(ExtensionHalf half) {
  const char* list = std::getenv("DTBENCH_EXTENSIONS");
  std::istringstream files(list == nullptr ? "" : list);
  for (std::string file; std::getline(files, file, ':');)
    if (!file.empty()) load_extension(file, half);
}

const std::vector<Extension>& loaded_extensions() {
  return loaded();
}

Json extension_hashes() {
  Json hashes = Json::object();
  for (const Extension& extension : loaded())
    hashes[extension.name] = sha256_file(engine_half(extension.file));
  return hashes;
}

}  // namespace dtbench
