#include "report/target_text.h"

#include <algorithm>

#include "base/table.h"
#include "base/text.h"
#include "report/number_text.h"

namespace dtbench {
namespace {

// "4 of 5, 1 died"; pairs without a target are not among the 5.
std::string reached(const Json& to_target) {
  const auto count = [&](const char* name) { return to_target.at(name).get<int>(); };
  std::string text =
      concat(count("reached"), " of ", count("reached") + count("not_reached") + count("died"));
  if (count("died") > 0) text += concat(", ", count("died"), " died");
  return text;
}

std::string missing(const Json& without_target) {
  std::vector<std::string> parts;
  for (const auto& [why, count] : without_target.items())
    parts.push_back(concat(count.dump(), " ", why));
  return parts.empty() ? "-" : join(parts, ", ");
}

std::string ratio(const Json& summary) {
  return summary.at("n") == 0 ? "-"
                              : fixed(summary.at("ratio"), "%.3f") + interval(summary, "%.3f");
}

std::vector<std::string> own(const Json& to_target) {
  return {fixed(to_target.at("steps").at("own_mean"), "%.4g"),
          fixed(to_target.at("within_steps"), "%.0f"),
          fixed(to_target.at("seconds").at("own_mean"), "%.4g"),
          fixed(to_target.at("usd").at("own_mean"), "%.4g")};
}

std::vector<std::string> row(const std::string& name, const std::string& how_many,
                             const Json& to_target, const std::string& steps,
                             const std::string& time) {
  std::vector<std::string> cells = {name, how_many, missing(to_target.at("without_target"))};
  for (std::string& text : own(to_target))
    cells.push_back(std::move(text));
  cells.insert(cells.end(), {steps, time});
  return cells;
}

}  // namespace

bool has_targets(const Json& setting) {
  const Json& seeds = setting.at("reference").at("to_target").at("by_seed");
  return std::any_of(seeds.begin(), seeds.end(),
                     [](const Json& seed) { return seed.at("missing") != "no_points"; });
}

std::vector<std::string> target_head() {
  return {"Policy",  "reached", "no target",   "steps",     "within",
          "seconds", "USD",     "steps ratio", "time ratio"};
}

std::vector<std::vector<std::string>> target_rows(const Json& setting) {
  const Json& reference = setting.at("reference");
  const Json& own_target = reference.at("to_target");
  const auto seeds = own_target.at("by_seed").size();
  const auto set = static_cast<std::size_t>(
      std::count_if(own_target.at("by_seed").begin(), own_target.at("by_seed").end(),
                    [](const Json& seed) { return seed.at("missing").is_null(); }));
  std::vector<std::vector<std::string>> rows = {
      row(readable(reference.at("policy")), concat(set, " of ", seeds), own_target, "1", "1")};
  for (const Json& policy : setting.at("policies")) {
    const Json& to_target = policy.at("to_target");
    rows.push_back(row(readable(policy.at("policy")), reached(to_target), to_target,
                       ratio(to_target.at("steps")), ratio(to_target.at("seconds"))));
  }
  return rows;
}

std::string target_note(const Json& setting) {
  const Json& own_target = setting.at("reference").at("to_target");
  std::string text = concat(
      "Target: the validation loss that fp32_true of the same seed ends at, ",
      fixed(own_target.at("target"), "%.4f"), " on average",
      own_target.at("on") == "points" ? ", of the first validation examples (points along the way)"
                                      : "",
      ". Reached: at the first evaluated step at or below it; seconds and USD are of training "
      "steps alone; ratios are to fp32_true's, over the seeds that reached it.");
  if (own_target.at("on_cpu") == true)
    text +=
        " A CPU emulates 16-bit products: its seconds and USD say nothing of a GPU, its steps do.";
  return text;
}

}  // namespace dtbench
