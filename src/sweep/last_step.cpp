#include "sweep/last_step.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/read_file.h"

namespace dtbench {
namespace {

std::string last_line(const std::filesystem::path& file) {
  constexpr std::uint64_t kLongest = 1 << 14;
  const ReadableFile steps(file);
  std::string text(std::min(steps.size(), kLongest), '\0');
  text.resize(steps.read_at(steps.size() - text.size(), text.data(), text.size()));
  text.resize(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n'));  // whole lines
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

Json last_line_or_null(const std::filesystem::path& file) {
  try {
    return parse_json_or_none(last_line(file)).value_or(Json());
  } catch (const Error&) {
    return {};  // it is not there yet, or is no file
  }
}

}  // namespace

std::optional<LastStep> last_step(const std::filesystem::path& run) {
  const Json line = last_line_or_null(run / "steps.jsonl");
  const Json step = member_or_null(line, "/step"), milliseconds = member_or_null(line, "/step_ms");
  const Json samples = member_or_null(line, "/samples");
  constexpr auto kMost = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
  if (!step.is_number_unsigned() || step.get<std::uint64_t>() >= kMost ||
      !milliseconds.is_number() || !samples.is_number())
    return {};
  const double seconds = milliseconds.get<double>() / 1e3;
  try {
    return LastStep{.done = step.get<std::int64_t>() + 1,
                    .loss = number_from_json(member_or_null(line, "/loss"), "loss"),
                    .seconds = seconds,
                    .samples_per_s = samples.get<double>() / seconds};
  } catch (const Error&) {
    return {};  // its loss is no number
  }
}

}  // namespace dtbench
