#include "analysis/stability.h"

#include <algorithm>

#include "analysis/json_access.h"
#include "analysis/kaplan_meier.h"
#include "analysis/paired_metric.h"
#include "analysis/proportions.h"

namespace dtbench {
namespace {

// A cell whose first non-finite value is of step k lived through steps 0 .. k - 1, and one that met
// it in its last evaluation through all n; one that stayed finite is censored at n, after any event
// that it could have had.
Json time_to_nonfinite(const std::vector<const Cell*>& cells) {
  std::vector<Lifetime> lifetimes;
  for (const Cell* cell : cells) {
    const auto step = cell->first_nonfinite();
    lifetimes.push_back({step.value_or(cell->steps_completed()), cell->died()});
  }
  Json curve = Json::array();
  for (const SurvivalStep& step : kaplan_meier(lifetimes, kLevel)) {
    Json point = {{"step", step.step},
                  {"at_risk", step.at_risk},
                  {"events", step.events},
                  {"survival", step.survival}};
    put_interval(point, step.interval);
    curve.push_back(std::move(point));
  }
  return curve;
}

Json count_outcomes(const std::vector<const Cell*>& cells) {
  Json outcomes = Json::object();
  for (const Cell* cell : cells) {
    Json& count = outcomes[text_or(member_or_null(cell->result, "/outcome"), "unknown")];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  return outcomes;
}

}  // namespace

Json stability(const std::vector<const Cell*>& cells) {
  const auto share = [&](bool (Cell::*holds)() const) {
    const Proportion of{std::count_if(cells.begin(), cells.end(),
                                      [&](const Cell* cell) { return (cell->*holds)(); }),
                        static_cast<std::int64_t>(cells.size())};
    Json json = {{"count", of.successes}};
    put_interval(json, clopper_pearson(of, kLevel));
    return json;
  };
  return {{"n", cells.size()},
          {"level", kLevel},
          {"finite", share(&Cell::finite)},
          {"trained", share(&Cell::trained)},
          {"outcomes", count_outcomes(cells)},
          {"kaplan_meier", time_to_nonfinite(cells)}};
}

}  // namespace dtbench
