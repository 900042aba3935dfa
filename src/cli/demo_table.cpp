#include <algorithm>
#include <cstdio>
#include <iterator>
#include <sstream>

#include "base/text.h"
#include "cli/demo_report.h"
#include "cli/table.h"
#include "report/scenario_title.h"

namespace dtbench {
namespace {

constexpr std::size_t kTextColumns = 3;  // policy, status, outcome
const std::vector<std::string> kHeader = {"policy", "status",    "outcome", "val loss", "F1",
                                          "AP",     "samples/s", "MFU",     "peak"};

std::string number(const char* format, const Json& value, double factor = 1) {
  return value.is_number() ? formatted(format, value.get<double>() * factor) : readable(value);
}

std::vector<std::string> columns_of(const Json& row) {
  const Json& peak = row.at("peak_memory_bytes");
  return {readable(row.at("policy")),
          readable(row.at("status")),
          readable(row.at("outcome")),
          number("%.4f", row.at("val_loss")),
          number("%.3f", row.at("f1_micro")),
          number("%.3f", row.at("average_precision_micro")),
          number("%.1f", row.at("samples_per_s")),
          number("%.1f%%", row.at("mfu"), 100),
          peak.is_number() ? human_bytes(peak.get<std::uint64_t>()) : readable(peak)};
}

// What does not fit a column.
std::vector<std::string> notes_of(const Json& row) {
  std::vector<std::string> notes;
  if (const Json& first = row.at("first_nonfinite"); !first.is_null())
    notes.push_back(concat("first non-finite: step ", readable(member_or_null(first, "/step")),
                           ", ", readable(member_or_null(first, "/kind")), " in ",
                           readable(member_or_null(first, "/tensor")), " (",
                           readable(member_or_null(first, "/phase")), ")"));
  if (const std::string reason = readable(row.at("reason")); reason != "-" && !reason.empty())
    notes.push_back(reason);
  return notes;
}

std::string title_of(const Json& row) {
  return concat(readable(row.at("scenario")), ": ",
                scenario_title(row.at("model"), row.at("objective")));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

}  // namespace

std::string demo_table(const std::vector<Json>& all, std::size_t width) {
  std::vector<Json> rows;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
               [](const Json& row) { return row.at("status") != "not run"; });
  Rows cells = {kHeader};
  for (const Json& row : rows)
    cells.push_back(columns_of(row));
  std::vector<std::string> lines = lines_of(aligned(cells, {kTextColumns, 2}));
  if (width_of(lines.front()) > width) lines = lines_of(aligned(cells, {kTextColumns, 1}));

  std::string text = lines.front() + "\n", scenario;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].at("scenario") != scenario) text += concat("\n", title_of(rows[i]), "\n");
    scenario = rows[i].at("scenario");
    text += lines[i + 1] + "\n";
    for (const std::string& note : notes_of(rows[i]))
      text += concat("    ", note, "\n");
  }
  return text;
}

}  // namespace dtbench
