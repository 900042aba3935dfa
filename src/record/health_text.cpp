#include "record/health_text.h"

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

std::string line(const Json& reason) {
  const auto at = [&](const char* member) { return readable(member_or_null(reason, member)); };
  return concat("step ", at("/step"), ", ", at("/what"), ": ", at("/why"), "\n");
}

}  // namespace

std::vector<Json> read_health(const std::filesystem::path& run) {
  try {
    return read_lines(run / "health.jsonl");
  } catch (const Error&) {
    return {};
  }
}

std::string health_text(const std::vector<Json>& health) {
  std::vector<Json> nonfinite, spikes;
  for (const Json& entry : health) {
    const Json kind = member_or_null(entry, "/kind");
    if (kind == "nonfinite") nonfinite.push_back(entry);
    if (kind == "spike") spikes.push_back(entry);
  }
  std::string text;
  if (!nonfinite.empty()) text += concat("  Numeric health: ", line(nonfinite.front()));
  if (!spikes.empty())
    text += concat("  Spikes: ", spikes.size(), ", the first at ", line(spikes.front()));
  return text;
}

}  // namespace dtbench
