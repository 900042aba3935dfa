#include "analysis/plan_json.h"

#include <algorithm>
#include <cmath>

#include "analysis/planning.h"
#include "analysis/student_t.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr double kPower = 0.8;
constexpr std::size_t kMost = 1000;

// Of parts that are means: the number that the widest of them needs.
Json new_study(const Judged& judged) {
  if (judged.verdict != Verdict::kUndecided) return nullptr;
  std::size_t most = 0;
  for (const Part& part : judged.finding.parts) {
    if (!part.sd || !part.estimate) return nullptr;
    const std::size_t n =
        values_needed(*part.sd, std::fabs(*part.estimate - judged.finding.threshold), judged.alpha,
                      kPower, kMost);
    if (n == 0) return nullptr;
    most = std::max(most, n);
  }
  return most == 0 ? Json() : Json(most);
}

std::string looks_in_words(const Hypothesis& hypothesis) {
  std::vector<std::string> numbers;
  for (const std::int64_t look : hypothesis.planned_looks())
    numbers.push_back(concat(look));
  const bool one = numbers.size() == 1;
  std::string text = concat("judged at ", join(numbers, ", "), " ", hypothesis.unit(),
                            one ? "" : ", with alpha split over the looks");
  if (hypothesis.seeds > 0)
    text += concat(" (", hypothesis.first_seed, " to ",
                   hypothesis.first_seed + hypothesis.seeds - 1, ")");
  return text;
}

}  // namespace

std::optional<PlannedPower> planned_power(const Hypothesis& hypothesis, double alpha) {
  if (hypothesis.planning_sd == 0) return std::nullopt;
  const JointPlan plan = joint_plan(hypothesis, alpha);
  return PlannedPower{joint_power(plan, hypothesis.planned()), joint_seeds(plan, kPower)};
}

Json plan_json(const Hypothesis& hypothesis, const Judged& judged,
               const std::optional<PlannedPower>& power) {
  Json json = {{"unit", hypothesis.unit()},
               {"planned", hypothesis.planned()},
               {"looks", hypothesis.planned_looks()},
               {"done", judged.finding.done},
               {"first_seed", hypothesis.seeds > 0 ? Json(hypothesis.first_seed) : Json()},
               {"excluded_seeds", hypothesis.excluded_seeds},
               {"power", nullptr},
               {"power_needs", nullptr},
               {"new_study", new_study(judged)}};
  std::string words = looks_in_words(hypothesis);
  if (power) {
    json["power"] = power->power;
    json["power_needs"] = power->needed > 0 ? Json(power->needed) : Json();
    words += concat("; all ", hypothesis.parts(), " parts decide together with probability ",
                    formatted("%.2f", power->power), " at a spread of ", hypothesis.planning_sd,
                    power->needed > 0 ? concat(", and with ", kPower, " at ", power->needed, " ",
                                               hypothesis.unit())
                                      : std::string());
  }
  if (!json["new_study"].is_null())
    words += concat("; a new study of about ", json["new_study"].dump(), " ", hypothesis.unit(),
                    " would decide by the spread seen, more of this one would not");
  json["words"] = words;
  return json;
}

}  // namespace dtbench
