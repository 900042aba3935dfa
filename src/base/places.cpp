#include "base/places.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/built_on.h"
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

// Whoever owns a cache decides what is read from it. Root's may be one that all share.
void require_own(const fs::path& folder) {
  struct stat status{};
  if (stat(folder.c_str(), &status) != 0 || status.st_uid == geteuid() || status.st_uid == 0)
    return;
  throw Error(ExitCode::kPermanent,
              concat("The cache '", folder.string(), "' belongs to another user (id ",
                     status.st_uid, "; you are ", geteuid(), "), who could change what you read."),
              "DTBENCH_CACHE=FOLDER names one of your own; or make it yours: chown -R.");
}

fs::path place_of_cache() {
  if (fs::path given = from_environment("DTBENCH_CACHE"); !given.empty()) return given;
  if (fs::path xdg = from_environment("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "dtbench";
  if (fs::path home = from_environment("HOME"); !home.empty()) return home / ".cache" / "dtbench";
  throw usage_error("The cache has no folder: HOME is not set.", "Name one: DTBENCH_CACHE=FOLDER.");
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
  fs::path cache = place_of_cache();
  require_own(cache);
  require_own(cache / "stores");
  return cache;
}

fs::path engine_program() {
  const fs::path engine = program_folder() / "dtbench-engine";
  if (fs::exists(engine)) {
    require_torch_of_build(engine.parent_path());
    return engine;
  }
  throw Error(ExitCode::kPermanent,
              concat("The engine, which trains cells, was not found: '", engine.string(), "'."),
              "Run ./dtbench in the source tree to build it, or build the target dtbench-engine.");
}

}  // namespace dtbench
