#include "report/changes_text.h"

#include <algorithm>

#include "base/table.h"
#include "base/text.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

bool is_ratio(const Json& metric) {
  return metric.contains("ratio");
}

// "+0.0123 [+0.0100, +0.0146]", "1.03 times [1.01, 1.05]"; "-" where nothing was measured.
std::string effect(const Json& group, const char* name) {
  const Json& metrics = group.at("metrics");
  if (!metrics.contains(name)) return "-";
  const Json& metric = metrics.at(name);
  if (is_ratio(metric)) return fixed(metric.at("ratio"), "%.3f") + interval(metric, "%.3f");
  return fixed(metric.at("mean"), "%+.2g") + interval(metric, "%+.2g");
}

std::string cell_name(const Json& cell) {
  return concat(readable(cell.at("scenario")), " ", readable(cell.at("policy")), ", seed ",
                readable(cell.at("seed")));
}

std::string set_line(const char* name, const Json& set) {
  std::string text = concat(name, ": ", set.at("read").dump(), " records, ", set.at("used").dump(),
                            " that count; left out: ", counts_text(set.at("excluded")), "\n");
  for (const Json& each : set.at("left_out"))
    text += concat("  ", readable(each.at("path")), ": ", readable(each.at("why")), ": ",
                   readable(each.at("reason")), "\n");
  return text;
}

std::string differing_text(const Json& changes) {
  if (changes.at("differing").empty()) return "";
  std::string text = "\nThe two sets were made with different\n";
  for (const Json& each : changes.at("differing"))
    text += concat("  ", readable(each.at("field")), ": ", readable(each.at("before")), " -> ",
                   readable(each.at("after")), " (", each.at("pairs").dump(), " of ",
                   changes.at("pairs").dump(), " pairs)\n");
  return text;
}

std::string changed_text(const Json& changes) {
  Rows rows;
  for (const Json& group : changes.at("groups"))
    for (const auto& [name, metric] : group.at("metrics").items())
      if (metric.at("changed") == true)
        rows.push_back({concat("  ", readable(group.at("scenario"))), readable(group.at("policy")),
                        name, effect(group, name.c_str()),
                        concat("p = ", fixed(metric.at("p_holm"), "%.2g"))});
  const std::string tests =
      concat(changes.at("tests").dump(), " tests, p adjusted by Holm over all of them");
  if (changes.at("tests") == 0)
    return "\nNo change can be distinguished from noise: no cell has two seeds in both sets.\n";
  if (rows.empty()) return concat("\nNothing changed beyond noise (", tests, ").\n");
  return concat("\nChanged beyond noise (", tests, ")\n", aligned(rows));
}

std::string disturbed_sets_text(const Json& changes) {
  std::int64_t disturbed = 0;
  for (const Json& group : changes.at("groups"))
    disturbed += group.at("disturbed_pairs").get<std::int64_t>();
  if (disturbed == 0) return "";
  return concat("Timings were disturbed in ", disturbed, " of ", changes.at("pairs").dump(),
                " pairs, which may explain differences in speed and MFU.\n");
}

std::string groups_text(const Json& changes) {
  if (changes.at("groups").empty())
    return "\nNo cell is in both sets: scenario, policy, seed and every setting must be the "
           "same.\n";
  Rows rows = {{"All pairs", "", "n"}};
  for (const Json& group : changes.at("groups"))
    rows.push_back({concat("  ", readable(group.at("scenario"))), readable(group.at("policy")),
                    std::to_string(group.at("seeds").size())});
  for (const auto& [name, words] :
       {std::pair{"val_loss", "validation loss"},
        std::pair{"average_precision_micro", "average precision"},
        std::pair{"f1_macro", "F1 macro"}, std::pair{"samples_per_s", "samples/s"},
        std::pair{"peak_allocated_bytes", "peak memory"}}) {
    std::vector<std::string> column = {words};
    for (const Json& group : changes.at("groups"))
      column.push_back(effect(group, name));
    if (std::all_of(column.begin() + 1, column.end(),
                    [](const std::string& text) { return text == "-"; }))
      continue;
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i].push_back(column[i]);
  }
  return concat("\n", aligned(rows),
                "Differences (after - before) and ratios (after / before), means over seeds with "
                "95 % intervals.\n");
}

std::string states_text(const Json& changes) {
  if (changes.at("pairs") == 0) return "";
  if (changes.at("states").empty()) return "\nEvery cell ended as before.\n";
  std::string text = "\nEnded differently\n";
  for (const Json& each : changes.at("states"))
    text += concat("  ", cell_name(each), ": ", readable(each.at("before")), " -> ",
                   readable(each.at("after")), "\n");
  return text;
}

std::string list_text(const char* title, const Json& cells) {
  if (cells.empty()) return "";
  std::string text = concat("\n", title, "\n");
  for (const Json& each : cells) {
    text += concat("  ", cell_name(each), " (", readable(each.at("path")), ")");
    for (const Json& field : each.value("differing", Json::array()))
      text += concat(" ", readable(field.at("field")));
    text += '\n';
  }
  return text;
}

}  // namespace

std::string changes_text(const Json& changes) {
  return concat(set_line("Before", changes.at("before")), set_line("After", changes.at("after")),
                changes.at("pairs").dump(), " pairs\n", differing_text(changes),
                changed_text(changes), disturbed_sets_text(changes), states_text(changes),
                groups_text(changes),
                list_text("Not paired, because these fields differ", changes.at("refused")),
                list_text("Only before", changes.at("only_before")),
                list_text("Only after", changes.at("only_after")));
}

}  // namespace dtbench
