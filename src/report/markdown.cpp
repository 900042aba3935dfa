#include "report/markdown.h"

#include <algorithm>
#include <vector>

#include "analysis/paired_metric.h"
#include "base/text.h"
#include "report/number_text.h"
#include "report/target_text.h"

namespace dtbench {
namespace {

// Text from a record is no markup.
std::string plain(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (std::string_view("|<>*`[]\\").find(c) != std::string_view::npos) safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return printable(safe);
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "-" : value.dump();
}

std::string table_row(const std::vector<std::string>& cells) {
  return concat("| ", join(cells, " | "), " |\n");
}

std::string table_head(const std::vector<std::string>& cells) {
  return table_row(cells) + table_row(std::vector<std::string>(cells.size(), "---"));
}

// "trained", "3 of 5 trained, 2 nonfinite"; of non-finite values the first step.
std::string states(const Json& entry) {
  std::vector<std::string> parts;
  for (const auto& [state, count] : entry.at("states").items())
    parts.push_back(entry.at("states").size() == 1 ? state : concat(count.dump(), " ", state));
  std::string text = join(parts, ", ");
  if (const Json& first = entry.at("first_nonfinite"); !first.is_null())
    text += concat(" @ step ", first[0].dump(),
                   first[0] == first[1] ? "" : concat("-", first[1].dump()));
  return text;
}

std::string entry_text(const Json& row, const std::string& policy) {
  if (!row.at("policies").contains(policy)) return "no record";
  const Json& entry = row.at("policies").at(policy);
  std::string text = states(entry);
  if (!entry.at("quality").is_null())
    text += concat("; ", fixed(entry.at("quality").at("mean"), "%.4f"));
  if (!entry.at("difference").is_null())
    text += concat(" (", fixed(entry.at("difference").at("mean"), "%+.4f"), ")");
  if (!entry.at("speed").is_null())
    text += concat("; ", fixed(entry.at("speed").at("ratio"), "%.2f"), "x");
  return plain(text);
}

std::string disturbed_line(const Json& cells) {
  const auto disturbed = std::count_if(
      cells.begin(), cells.end(), [](const Json& cell) { return is_disturbed(cell.at("result")); });
  if (disturbed == 0) return "";
  return concat("Timings were disturbed in ", disturbed, " of ", cells.size(),
                " cells: ignore small differences in speed.\n\n");
}

std::string records_line(const Json& data) {
  const Json& records = data.at("records");
  std::string text = concat(records.at("read").dump(), " records: ", records.at("used").dump(),
                            " compared, ", records.at("unpaired").dump(), " without a partner");
  for (const auto& [why, count] : records.at("excluded").items())
    text += concat(", ", count.dump(), " ", why);
  const Json& counts = data.at("data");
  if (counts.at("generated") > 0)
    text += concat(". Trained on **generated data**: ", counts.at("generated").dump(), " of ",
                   Json(counts.at("generated").get<int>() + counts.at("real").get<int>()).dump());
  return text + ".\n\n" + disturbed_line(data.at("cells"));
}

// "Use amp_bf16", "Fastest finite so far: amp_bf16", "-".
std::string said_of(const Json& said) {
  if (said.at("strength").is_null()) return "-";
  return concat(text_of(said.at("lead")), " ", text_of(said.at("named")));
}

std::string recommendations(const Json& rows) {
  std::string text = table_head({"Scenario", "Policy", "Because", "But"});
  for (const Json& row : rows) {
    const Json& said = row.at("recommendation");
    std::vector<std::string> provisos;
    for (const Json& each : said.at("provisos"))
      provisos.push_back(each);
    text += table_row({plain(concat(text_of(row.at("label")), ": ", text_of(row.at("title")))),
                       plain(said_of(said)), plain(text_of(said.at("because"))),
                       plain(join(provisos, "; "))});
  }
  return text + "\n";
}

std::string matrix(const Json& data) {
  std::vector<std::string> head = {"Scenario (quality)"};
  for (const Json& policy : data.at("policies"))
    head.push_back(plain(policy));
  std::string text = table_head(head);
  for (const Json& row : data.at("rows")) {
    std::vector<std::string> cells = {
        plain(concat(text_of(row.at("label")), " (", text_of(row.at("quality").at("name")), ")"))};
    for (const Json& policy : data.at("policies"))
      cells.push_back(entry_text(row, policy));
    text += table_row(cells);
  }
  return text +
         "\nOutcome; mean quality over the seeds that reached their last step, and its paired "
         "difference from fp32_true; samples/s relative to fp32_true.\n\n";
}

std::string verdict_line(const Json& verdict) {
  return table_row(
      {plain(text_of(verdict.at("hypothesis"))), plain(text_of(verdict.at("policy"))),
       concat("**", plain(text_of(verdict.at("verdict"))), "**"),
       concat(verdict.at("plan").at("done").dump(), " of ", verdict.at("plan").at("planned").dump(),
              " ", plain(text_of(verdict.at("plan").at("unit")))),
       plain(text_of(verdict.at("reason"))), plain(text_of(verdict.at("plan").at("words")))});
}

std::string verdicts(const Json& list) {
  std::string text = table_head({"Hypothesis", "Policy", "Verdict", "Done", "Reason", "Plan"});
  for (const Json& verdict : list) {
    text += verdict_line(verdict);
    for (const Json& other : verdict.at("separately"))
      text += verdict_line(other);
  }
  return text + "\n";
}

// A table a scenario: how many seeds stay finite at each rate. Nothing where there is one rate.
std::string rates(const Json& groups) {
  std::string text;
  for (const Json& group : groups) {
    std::vector<std::string> head = {plain(concat(text_of(group.at("scenario")), ": finite at"))};
    for (const Json& rate : group.at("rates"))
      head.push_back(fixed(rate, "%.3g"));
    text += table_head(head);
    for (const Json& policy : group.at("policies")) {
      std::vector<std::string> row = {plain(text_of(policy.at("policy")))};
      for (const Json& place : policy.at("map"))
        row.push_back(place.at("n") == 0
                          ? "-"
                          : concat(place.at("finite").dump(), " of ", place.at("n").dump()));
      text += table_row(row);
    }
    text += '\n';
  }
  return text.empty() ? "" : "## Learning rates\n\n" + text;
}

// A table a setting. Nothing where no record has points along the way.
std::string targets(const Json& settings) {
  std::string text;
  for (const Json& setting : settings) {
    if (!has_targets(setting)) continue;
    std::vector<std::string> head = target_head();
    head.front() = plain(concat(text_of(setting.at("scenario")), ": policy"));
    text += table_head(head);
    for (std::vector<std::string>& row : target_rows(setting)) {
      std::transform(row.begin(), row.end(), row.begin(), plain);
      text += table_row(row);
    }
    text += concat("\n", plain(target_note(setting)), "\n\n");
  }
  return text.empty() ? "" : "## Until the validation loss that fp32_true ends at\n\n" + text;
}

std::string left_out(const Json& data) {
  std::string text;
  for (const Json& each : data.at("excluded"))
    text += concat("- ", plain(text_of(each.at("path"))), ": ", plain(text_of(each.at("why"))),
                   ": ", plain(text_of(each.at("reason"))), "\n");
  for (const Json& each : data.at("unpaired"))
    text += concat("- ", plain(text_of(each.at("path"))), ": no fp32_true to pair it with\n");
  for (const Json& each : data.at("missing"))
    text += concat("- ", plain(text_of(each.at("row"))), " ", plain(text_of(each.at("policy"))),
                   ": no record\n");
  return text.empty() ? "Nothing.\n" : text;
}

}  // namespace

std::string markdown_report(const Json& data) {
  return concat("# Datatype report\n\n**", plain(text_of(data.at("answer"))), "**\n\n",
                records_line(data), recommendations(data.at("rows")), "## Matrix\n\n", matrix(data),
                "## Hypotheses\n\n", verdicts(data.at("verdicts")), rates(data.at("rates")),
                targets(data.at("settings")), "## Left out or missing\n\n", left_out(data));
}

}  // namespace dtbench
