// Survival with censoring (Kaplan and Meier 1958).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/interval.h"

namespace dtbench {

// One subject: the step of its event, or the number of steps that it lived through without one
// (censored). At the same step events come first.
struct Lifetime {
  std::int64_t step = 0;
  bool event = false;
};

struct SurvivalStep {
  std::int64_t step = 0;
  std::int64_t at_risk = 0;  // just before it
  std::int64_t events = 0;
  double survival = 0;  // after it
  // Greenwood's variance on the log(-log) scale, which keeps it within 0 and 1 (Kalbfleisch and
  // Prentice 1980, 1.3); none where survival is 0.
  std::optional<Interval> interval;
};

// A step for each time of an event, ascending; before the first, survival is 1.
std::vector<SurvivalStep> kaplan_meier(std::vector<Lifetime> lifetimes, double level);

}  // namespace dtbench
