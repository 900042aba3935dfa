#include "record/profile_text.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

std::string decimals(const char* format, const Json& value) {
  return value.is_number() ? formatted(format, value.get<double>()) : "-";
}

std::string times(const Json& ms, const Json& floor_ms) {
  const double floor = floor_ms.get<double>();
  return floor > 0 ? formatted("%.1f", ms.get<double>() / floor) : "-";
}

}  // namespace

Json read_profile(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "profile.json";
  if (!std::filesystem::exists(file)) return nullptr;
  try {
    Json profile = read_json_file(file, kRecordLimits);
    return profile.at("parts").is_array() ? profile : Json();
  } catch (const std::exception&) {
    return nullptr;
  }
}

std::string profile_text(const Json& profile) {
  std::vector<Json> parts = profile.at("parts");
  std::sort(parts.begin(), parts.end(),
            [](const Json& a, const Json& b) { return a.at("ms") > b.at("ms"); });
  const double step_ms = profile.at("step_ms").get<double>();
  Rows rows = {
      {"part of a step", "calls", "ms", "share", "forward", "backward", "floor", "times floor"}};
  const auto add = [&](const std::string& name, const Json& part, const std::string& calls) {
    rows.push_back({name, calls, decimals("%.2f", part.at("ms")),
                    formatted("%.1f %%", 100 * part.at("ms").get<double>() / step_ms),
                    decimals("%.2f", part.at("forward_ms")),
                    decimals("%.2f", part.at("backward_ms")), decimals("%.2f", part.at("floor_ms")),
                    times(part.at("ms"), part.at("floor_ms"))});
  };
  for (const Json& part : parts)
    add(part.at("name").get<std::string>(), part, readable(part.at("calls")));
  add("whole step",
      {{"ms", step_ms},
       {"forward_ms", nullptr},
       {"backward_ms", nullptr},
       {"floor_ms", profile.at("floor_ms")}},
      "");
  return concat(aligned(rows, {.first_right = 1}), "floor: products at ",
                formatted("%.3g", profile.at("flops_per_s").get<double>() / 1e9),
                " GFLOP/s, bytes at ",
                formatted("%.3g", profile.at("bytes_per_s").get<double>() / 1e9),
                " GB/s, both measured on this device; the step timed is the median of ",
                profile.at("steps").get<int>(), "\n");
}

}  // namespace dtbench
