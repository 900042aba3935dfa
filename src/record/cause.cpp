#include "record/cause.h"

#include <filesystem>

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "record/run_directory.h"

namespace dtbench {

std::string cause_of(const RunRecord& run) {
  const std::filesystem::path file = run.path / "explain.json";
  if (member_or_null(run.result, "/first_nonfinite").is_null() || !std::filesystem::exists(file))
    return "";
  try {
    return text_or(member_or_null(read_json_file(file, kRecordLimits), "/cause"), "");
  } catch (const Error&) {
    return "";  // an explanation that cannot be read explains nothing
  }
}

std::string first_nonfinite_in_words(const Json& first) {
  const auto at = [&](const char* member) { return readable(member_or_null(first, member)); };
  const std::string place = member_or_null(first, "/module").is_null()
                                ? at("/tensor")
                                : concat(at("/operation"), " of ", at("/module"));
  return concat("step ", at("/step"), ", ", at("/kind"), " in ", place, " (", at("/phase"), ")");
}

}  // namespace dtbench
