#include <algorithm>
#include <functional>
#include <map>

#include "base/text.h"
#include "cli/demo_report.h"
#include "cli/table.h"

namespace dtbench {
namespace {

using Cells = std::vector<Json>;
using Names = std::vector<std::string>;

constexpr std::size_t kListed = 6;

std::string name_of(const Json& row) {
  return concat(readable(row.at("scenario")), " ", readable(row.at("policy")));
}

Cells where(const Cells& rows, const std::function<bool(const Json&)>& condition) {
  Cells found;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(found), condition);
  return found;
}

// "A fp32_true (step 3), B bf16_pure (step 4) and 2 more"
std::string listed(const Cells& rows, const std::function<std::string(const Json&)>& detail) {
  Names names;
  for (const Json& row : rows)
    if (names.size() < kListed) names.push_back(concat(name_of(row), " (", detail(row), ")"));
  const std::size_t more = rows.size() - names.size();
  return join(names, ", ") + (more > 0 ? concat(" and ", more, " more") : "");
}

std::string outcome_of(const Json& row) {
  return readable(row.at("outcome"));
}

bool is_trained(const Json& row) {
  return row.at("outcome") == "trained";
}

// A row that says how training went to its end.
bool was_trained_to_the_end(const Json& row) {
  return row.at("status") == "completed" || row.at("status") == "diverged";
}

bool failed(const Json& row) {
  return row.at("status") == "failed" || row.at("status") == "out_of_memory" ||
         row.at("status") == "damaged";
}

std::string finite_part(const Cells& ended, std::size_t all) {
  if (ended.empty()) return "No cell has finished yet";
  const Cells nonfinite =
      where(ended, [](const Json& row) { return !row.at("first_nonfinite").is_null(); });
  const std::string steps = readable(ended.front().at("steps"));
  const std::string whole = concat(ended.size(), " of ", all, " cells finished, and ");
  if (nonfinite.empty())
    return concat(whole, "none met a NaN or an infinity in ", steps,
                  " steps, which says nothing about later steps");
  return concat(whole, nonfinite.size(), " met a NaN or an infinity within ", steps,
                " steps: ", listed(nonfinite, [](const Json& row) {
                  return concat("step ",
                                readable(member_or_null(row.at("first_nonfinite"), "/step")));
                }));
}

// Where fp32_true itself does not train, nothing can be said of the other policies.
struct Yardstick {
  Names trained, not_trained, missing;  // scenarios
};

Yardstick yardstick(const Cells& rows) {
  Yardstick found;
  Names seen;
  for (const Json& row : rows) {
    const std::string scenario = readable(row.at("scenario"));
    if (std::find(seen.begin(), seen.end(), scenario) != seen.end()) continue;
    seen.push_back(scenario);
    const auto golden = std::find_if(rows.begin(), rows.end(), [&](const Json& other) {
      return other.at("scenario") == scenario && other.at("policy") == "fp32_true" &&
             was_trained_to_the_end(other);
    });
    if (golden == rows.end())
      found.missing.push_back(scenario);
    else
      (is_trained(*golden) ? found.trained : found.not_trained).push_back(scenario);
  }
  return found;
}

std::string outcome_part(const Cells& ended, const Yardstick& scenarios) {
  std::string text;
  if (!scenarios.not_trained.empty())
    text += concat(". fp32_true itself is not 'trained' in ", join(scenarios.not_trained, ", "),
                   ", so the outcome column decides nothing about the other policies there");
  if (!scenarios.missing.empty())
    text += concat(". ", join(scenarios.missing, ", "),
                   scenarios.missing.size() == 1 ? " has" : " have",
                   " no finished fp32_true to compare outcomes with");
  const Cells others = where(ended, [&](const Json& row) {
    const Names& names = scenarios.trained;
    return row.at("policy") != "fp32_true" &&
           std::find(names.begin(), names.end(), readable(row.at("scenario"))) != names.end();
  });
  if (others.empty()) return text;
  text += concat(". Where fp32_true trained (", join(scenarios.trained, ", "), "), ");
  const Cells lost = where(others, [](const Json& row) { return !is_trained(row); });
  if (lost.empty()) return text + "every other policy that finished trained, too";
  return concat(text, "these did not train: ", listed(lost, outcome_of));
}

std::string data_sentence(const Cells& rows) {
  const bool synthetic =
      std::all_of(rows.begin(), rows.end(), [](const Json& row) { return row.at("synthetic"); });
  if (!synthetic)
    return "The data is your own: do not compare its losses with those of other data.";
  return "The data is synthetic: a program generated its text and labels. Losses and scores show "
         "that the machinery works, not what happens on real text.";
}

// What makes the timings worth less than they look, and the remedies; "" where nothing does.
std::string timing_sentence(const Cells& rows) {
  std::map<std::string, std::pair<std::size_t, std::string>> kinds;  // cells, remedy
  std::size_t disturbed = 0;
  for (const Json& row : rows) {
    const Json& list = row.at("disturbances");
    disturbed += list.is_array() && !list.empty();
    for (const Json& one : list) {
      auto& [cells, remedy] = kinds[readable(one.at("kind"))];
      ++cells;
      remedy = readable(one.at("remedy"));
    }
  }
  if (kinds.empty()) return "";
  Names told;
  for (const auto& [kind, found] : kinds)
    told.push_back(concat(kind, " in ", found.first, " (", found.second, ")"));
  return concat("Timings were disturbed in ", disturbed, " of ", rows.size(),
                " cells, so ignore small differences in samples/s and MFU: ", join(told, "; "),
                ".");
}

std::string next_sentence(const Cells& rows, const Yardstick& scenarios) {
  const Cells failures = where(rows, failed);
  const auto left =
      static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const Json& row) {
        return row.at("status") == "interrupted" || row.at("status") == "not run";
      }));
  if (left > 0)
    return concat("Next: the same command resumes; ", left, " of ", rows.size(), " cells left.");
  if (!failures.empty())
    return concat("Next: 'dtbench show ", readable(failures.front().at("path")),
                  "' shows more about ", name_of(failures.front()),
                  "; the same command retries failed cells.");
  if (!scenarios.not_trained.empty()) {
    const std::int64_t steps = 10 * rows.front().at("steps").get<std::int64_t>();
    double seconds = 0;
    for (const Json& row : rows)
      if (row.at("wall_s").is_number()) seconds += row.at("wall_s").get<double>();
    return concat("Next: 'dtbench demo --set train.steps=", steps,
                  "' trains ten times as long, in at most ", human_seconds(10 * seconds),
                  " at this speed.");
  }
  return "Next: train on your own text, 'dtbench run --scenario C --policy fp16_naive --preset "
         "small --data FILE.jsonl --vocab vocab.json --merges merges.txt' (docs/guide.md).";
}

}  // namespace

Json demo_findings(const Cells& rows) {
  const Cells ended = where(rows, was_trained_to_the_end);
  const Yardstick scenarios = yardstick(rows);
  return {{"outcome", finite_part(ended, rows.size()) +
                          (ended.empty() ? "" : outcome_part(ended, scenarios)) + "."},
          {"timings", timing_sentence(rows)},
          {"data", data_sentence(rows)},
          {"next", next_sentence(rows, scenarios)}};
}

}  // namespace dtbench
