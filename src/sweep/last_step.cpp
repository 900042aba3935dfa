#include "sweep/last_step.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace dtbench {
namespace {

std::string last_line(const std::filesystem::path& file) {
  constexpr std::streamoff kLongest = 1 << 14;
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in.tellg();
  if (size <= 0) return "";
  in.seekg(std::max<std::streamoff>(0, size - kLongest));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.resize(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n'));  // whole lines
  return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
}

}  // namespace

std::optional<LastStep> last_step(const std::filesystem::path& run) {
  const Json line = parse_json_or_none(last_line(run / "steps.jsonl")).value_or(Json());
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
