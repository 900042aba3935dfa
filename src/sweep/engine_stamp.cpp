#include "sweep/engine_stamp.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/places.h"
#include "base/sha256.h"
#include "base/text.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "engine.json";

// What the audit says of the program, for people: a hash alone tells nobody anything.
std::string described(const fs::path& run) {
  const fs::path file = run / "audit.json";
  const Json audit = fs::exists(file) ? read_json_file(file) : Json();
  const Json revision = member_or_null(audit, "/identity/program/source_revision");
  return revision.is_string() ? concat(" (source revision ", revision.get<std::string>(), ")") : "";
}

}  // namespace

EngineStamp::EngineStamp() : sha256_(sha256_file(engine_program())) {}

void EngineStamp::put(const fs::path& run) const {
  write_file_atomically(run / kFile, Json{{"sha256", sha256_}}.dump() + "\n");
}

void EngineStamp::require_same(const fs::path& run) const {
  if (!fs::exists(run / kFile)) return;
  const Json recorded = member_or_null(read_json_file(run / kFile), "/sha256");
  if (recorded == sha256_) return;
  throw usage_error(
      concat("The record '", run.string(), "' was made by another engine: the SHA-256 of its ",
             "program is ", recorded.dump(), described(run), ", this engine's is \"", sha256_,
             "\"."),
      "--rerun retrains and keeps the old record beside the new one.");
}

}  // namespace dtbench
