// A mean against a bound: the two p-values and the number of values that would decide.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "analysis/finding.h"
#include "analysis/mean_estimate.h"

namespace dtbench {

struct MeanTest {
  std::int64_t n;
  double p_above, p_below;  // two-sided: small ones say that the mean is above (below) the bound
  std::int64_t n_needed;    // as Finding::seeds_needed
};

inline MeanTest test_mean(const std::vector<double>& values, double bound, double alpha) {
  const MeanEstimate estimate(values);
  MeanTest test{static_cast<std::int64_t>(estimate.n()), std::min(1.0, 2 * estimate.p_above(bound)),
                std::min(1.0, 2 * estimate.p_below(bound)), 0};
  if (test.n >= 2)
    test.n_needed = static_cast<std::int64_t>(values_needed(
        estimate.sd(), std::fabs(estimate.mean() - bound), alpha, kPower, kMostSeeds));
  return test;
}

}  // namespace dtbench
