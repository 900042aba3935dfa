// What a hypothesis' plan can decide, said beside its verdict.
#pragma once

#include <optional>

#include "analysis/hypothesis.h"
#include "analysis/looks.h"

namespace dtbench {

// The power of all parts of a claim together with the planned number, and the number at which it is
// 0.8 (0: more than 1,000); nothing where the file has no planning_sd. `alpha`: of one look.
struct PlannedPower {
  double power;
  std::int64_t needed;
};
std::optional<PlannedPower> planned_power(const Hypothesis& hypothesis, double alpha);

// {"unit", "planned", "looks", "done", "first_seed", "excluded_seeds", "power", "power_needs",
// "new_study", "words"}. `new_study`: after an undecided one, the number with which a new one would
// decide, by the spread seen (null where that cannot be said).
Json plan_json(const Hypothesis& hypothesis, const Judged& judged,
               const std::optional<PlannedPower>& power);

}  // namespace dtbench
