#include "record/cause.h"

#include <filesystem>

#include "base/error.h"

namespace dtbench {

std::string cause_of(const RunRecord& run) {
  const std::filesystem::path file = run.path / "explain.json";
  if (member_or_null(run.result, "/first_nonfinite").is_null() || !std::filesystem::exists(file))
    return "";
  try {
    return text_or(member_or_null(read_json_file(file), "/cause"), "");
  } catch (const Error&) {
    return "";  // an explanation that cannot be read explains nothing
  }
}

}  // namespace dtbench
