#include "base/places.h"

#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// Empty when the variable is unset or empty.
fs::path from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? value : "";
}

}  // namespace

fs::path program_folder() {
  return fs::read_symlink("/proc/self/exe").parent_path();
}

fs::path configs_folder() {
  if (fs::path given = from_environment("DTBENCH_CONFIGS"); !given.empty()) return given;
  for (fs::path folder = program_folder();; folder = folder.parent_path()) {
    if (fs::is_directory(folder / "configs" / "policies")) return folder / "configs";
    if (folder == folder.parent_path()) break;
  }
  throw usage_error(concat("No folder above '", program_folder().string(),
                           "' has configs/policies, which holds the policies."),
                    "Name that folder: DTBENCH_CONFIGS=FOLDER.");
}

fs::path cache_folder() {
  if (fs::path given = from_environment("DTBENCH_CACHE"); !given.empty()) return given;
  if (fs::path xdg = from_environment("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "dtbench";
  if (fs::path home = from_environment("HOME"); !home.empty()) return home / ".cache" / "dtbench";
  throw usage_error("The cache has no folder: HOME is not set.", "Name one: DTBENCH_CACHE=FOLDER.");
}

fs::path engine_program() {
  const fs::path engine = program_folder() / "dtbench-engine";
  if (fs::exists(engine)) return engine;
  throw Error(ExitCode::kPermanent,
              concat("The engine, which trains cells, was not found: '", engine.string(), "'."),
              "Run ./dtbench in the source tree to build it, or build the target dtbench-engine.");
}

}  // namespace dtbench
