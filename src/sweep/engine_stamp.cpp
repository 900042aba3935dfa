#include "sweep/engine_stamp.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/places.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/extension.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "engine.json";
constexpr const char* kCudaPlugin = "libdtbench_cuda.so";

// What the audit says of the program, for people: a hash alone tells nobody anything.
std::string described(const fs::path& run) {
  const fs::path file = run / "audit.json";
  const Json audit = fs::exists(file) ? read_json_file(file) : Json();
  const Json revision = member_or_null(audit, "/identity/program/source_revision");
  return revision.is_string() ? concat(" (source revision ", revision.get<std::string>(), ")") : "";
}

Json stamp_of_this_engine() {
  Json stamp = {{"sha256", sha256_file(engine_program())}};
  const fs::path plugin = engine_program().parent_path() / kCudaPlugin;
  if (fs::exists(plugin)) stamp["cuda_plugin"] = sha256_file(plugin);
  if (const Json extensions = extension_hashes(); !extensions.empty())
    stamp["extensions"] = extensions;
  return stamp;
}

// What differs, with both values.
std::string changed_parts(const Json& recorded, const Json& present) {
  std::vector<std::string> changes;
  for (const auto& [part, file] :
       {std::pair{"sha256", "its program"}, std::pair{"cuda_plugin", "its CUDA plug-in"},
        std::pair{"extensions", "its extensions"}}) {
    const std::string pointer = concat("/", part);
    const Json before = member_or_null(recorded, pointer.c_str());
    const Json now = member_or_null(present, pointer.c_str());
    if (before != now)
      changes.push_back(concat("the SHA-256 of ", file, " is ", before.dump(),
                               ", this engine's is ", now.dump()));
  }
  return join(changes, "; ");
}

}  // namespace

EngineStamp::EngineStamp() : stamp_(stamp_of_this_engine()) {}

void EngineStamp::put(const fs::path& run) const {
  write_file_atomically(run / kFile, stamp_.dump() + "\n");
}

void EngineStamp::require_same(const fs::path& run) const {
  if (!fs::exists(run / kFile)) return;
  const Json recorded = read_json_file(run / kFile);
  if (recorded == stamp_) return;
  throw usage_error(concat("The record '", run.string(), "' was made by another engine",
                           described(run), ": ", changed_parts(recorded, stamp_), "."),
                    "--rerun retrains and keeps the old record beside the new one.");
}

}  // namespace dtbench
