// Exact intervals of proportions: they cover at least as often as they say, however small n is.
#pragma once

#include <cstdint>

#include "analysis/interval.h"

namespace dtbench {

struct Proportion {
  std::int64_t successes = 0;
  std::int64_t n = 0;

  double share() const { return static_cast<double>(successes) / static_cast<double>(n); }
};

// Two-sided (Clopper and Pearson 1934). [0, 1] for n = 0.
Interval clopper_pearson(Proportion proportion, double level);

// Of the difference between two independent proportions, first - second: from Clopper-Pearson
// intervals of level sqrt(level) each, so that both hold at once with probability `level`.
Interval difference_interval(Proportion first, Proportion second, double level);

// The p-value of "first - second is at least `bound`" that belongs to difference_interval: the
// smallest alpha whose interval of level 1 - alpha ends below `bound`.
double p_difference_below(Proportion first, Proportion second, double bound);

}  // namespace dtbench
