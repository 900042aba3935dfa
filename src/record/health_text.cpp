#include "record/health_text.h"

#include "base/table.h"
#include "base/text.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

std::string line(const Json& reason) {
  return concat("step ", readable(reason.at("step")), ", ", readable(reason.at("what")), ": ",
                printable(reason.at("why").get<std::string>()), "\n");
}

}  // namespace

std::vector<Json> read_health(const std::filesystem::path& run) {
  try {
    return read_lines(run / "health.jsonl");
  } catch (const std::exception&) {
    return {};
  }
}

std::string health_text(const std::vector<Json>& health) {
  std::vector<Json> deaths, spikes;
  for (const Json& entry : health) {
    if (!entry.is_object() || !entry.contains("why")) continue;
    (entry.at("kind") == "spike" ? spikes : deaths).push_back(entry);
  }
  std::string text;
  if (!deaths.empty()) text += concat("  Why, at ", line(deaths.front()));
  if (!spikes.empty())
    text += concat("  Spikes: ", spikes.size(), ", the first at ", line(spikes.front()));
  return text;
}

}  // namespace dtbench
