#include "record/cause.h"

#include <filesystem>

#include "base/error.h"

namespace dtbench {

std::string cause_of(const RunRecord& run) {
  const Json first = member_or_null(run.result, "/first_nonfinite");
  if (first.is_null()) return "";
  std::string recorded = text_or(member_or_null(first, "/cause"), "");
  const std::filesystem::path file = run.path / "explain.json";
  if (!recorded.empty() || !std::filesystem::exists(file)) return recorded;
  try {
    return text_or(member_or_null(read_json_file(file), "/cause"), "");
  } catch (const Error&) {
    return "";  // an explanation that cannot be read explains nothing
  }
}

}  // namespace dtbench
