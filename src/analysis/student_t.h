// The mean of n independent values by Student's t ("Student" 1908). Paired differences and
// log-ratios are such values. It is exact for normal values and needs two of them.
#pragma once

#include <cstddef>
#include <span>

#include "analysis/interval.h"

namespace dtbench {

struct MeanAndSpread {
  std::size_t n = 0;
  double mean = 0;
  double sd = 0;  // with n - 1; NaN for one value
};

// Equal values have a spread of exactly 0. Needs one value.
MeanAndSpread mean_and_spread(std::span<const double> values);

// Two-sided, n >= 2. Without spread it is the mean itself.
Interval student_t_interval(const MeanAndSpread& sample, double level);

// One-sided p-values of "the mean is at most (at least) `bound`", n >= 2: small ones say that it is
// above (below). Without spread it is 0 or 1.
double student_t_p_above(const MeanAndSpread& sample, double bound);
double student_t_p_below(const MeanAndSpread& sample, double bound);

// The smallest n whose two-sided test of level `alpha` finds a mean that is `distance` away from
// its bound with probability `power`, for values of spread `sd`: (t_alpha/2 + t_power) sd / sqrt(n)
// <= distance. 0 where none up to `largest` does.
std::size_t values_needed(double sd, double distance, double alpha, double power,
                          std::size_t largest);

}  // namespace dtbench
