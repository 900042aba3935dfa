#include "report/matrix_text.h"

#include <algorithm>
#include <map>

#include "base/table.h"
#include "base/text.h"
#include "config/study_policies.h"
#include "record/cause.h"
#include "record/status.h"
#include "report/entry_words.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

constexpr std::size_t kMostColumns = 8;  // more settings than this stand below each other
constexpr std::size_t kMostDeaths = 12;

// "stalled", "NaN @ 12", in at most ten characters for one seed.
std::string short_ending(const std::string& state, const Json& entry) {
  if (state == to_string(Outcome::kNonfinite)) {
    const Json& first = entry.at("first_nonfinite");
    return first.is_null() ? "NaN" : concat("NaN @ ", first[0].dump());
  }
  if (state == to_string(Outcome::kDivergedFinite)) return "diverged";
  if (state == to_string(Status::kOutOfMemory)) return "no memory";
  return printable(state);
}

std::string cell_text(const Json& row, const std::string& policy) {
  if (!row.at("policies").contains(policy)) return "-";
  const Json& entry = row.at("policies").at(policy);
  if (all_trained(entry)) {
    if (policy != kReferencePolicy && !entry.at("difference").is_null()) {
      const std::string text = fixed(entry.at("difference").at("mean"), "%+.4f");
      return text == "-0.0000" || text == "+0.0000" ? "0.0000" : text;
    }
    return entry.at("quality").is_null() ? "-" : fixed(entry.at("quality").at("mean"), "%.4f");
  }
  std::vector<std::string> parts;
  for (const auto& [state, count] : entry.at("states").items())
    parts.push_back(
        concat(entry.at("cells").size() > 1 ? count.dump() + " " : "", short_ending(state, entry)));
  return join(parts, ", ");
}

Rows transposed(const Rows& rows) {
  Rows turned(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      turned[i].push_back(row[i]);
  return turned;
}

// "fp32_true: validation loss (A and B), average precision (C); others: ..."
std::string legend(const Json& rows) {
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> labels;
  for (const Json& row : rows) {
    const std::string name =
        concat(row.at("quality").at("name").get<std::string>(),
               row.at("quality").at("higher_is_better") == true ? ", higher is better"
                                                                : ", lower is better");
    if (!labels.contains(name)) names.push_back(name);
    labels[name].push_back(row.at("label"));
  }
  std::vector<std::string> parts;
  for (const std::string& name : names)
    parts.push_back(concat(name, " (", listed(labels.at(name)), ")"));
  const bool noise = std::any_of(rows.begin(), rows.end(), [](const Json& row) {
    return row.at("policies").contains(kNoisePolicy);
  });
  return concat(
      kReferencePolicy, ": ", join(parts, "; "), ". Other policies: difference from it.",
      noise ? concat(" ", kNoisePolicy, ": the effect of a one-ulp change to the initial weights.")
            : "");
}

std::string death_line(const Json& cell, const std::string& cause) {
  return concat(readable(cell.at("scenario")), " ", readable(cell.at("policy")), " seed ",
                readable(cell.at("seed")), ": ",
                first_nonfinite_in_words(cell.at("result").at("first_nonfinite")),
                cause.empty() ? "" : ": " + cause);
}

std::string deaths(const Json& data) {
  std::string text;
  std::size_t count = 0;
  for (const Json& row : data.at("rows"))
    for (const auto& [policy, entry] : row.at("policies").items())
      for (const Json& place : entry.at("cells")) {
        const Json& cell = data.at("cells").at(place.get<std::size_t>());
        if (cell.at("result").at("first_nonfinite").is_null() || ++count > kMostDeaths) continue;
        text += concat("  ", death_line(cell, entry.at("cause")), "\n");
      }
  if (text.empty()) return "";
  if (count > kMostDeaths) text += concat("  and ", count - kMostDeaths, " more\n");
  return "\nFirst non-finite values:\n" + text;
}

}  // namespace

std::string matrix_text(const Json& data) {
  const Json& rows = data.at("rows");
  if (rows.empty()) return "";
  std::vector<std::string> policies;
  for (const Json& policy : data.at("policies"))
    if (std::any_of(rows.begin(), rows.end(),
                    [&](const Json& row) { return row.at("policies").contains(policy); }))
      policies.push_back(policy);
  Rows table = {{""}};
  table[0].insert(table[0].end(), policies.begin(), policies.end());
  for (const Json& row : rows) {
    auto& line = table.emplace_back(1, readable(row.at("label")));
    for (const std::string& policy : policies)
      line.push_back(cell_text(row, policy));
  }
  if (rows.size() <= kMostColumns) table = transposed(table);
  return aligned(table, {1, 2}) + "\n" + wrapped(legend(rows), kProse) + deaths(data);
}

}  // namespace dtbench
