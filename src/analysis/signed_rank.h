// The centre of n paired differences by the exact permutation test of their signs on ranks
// (Wilcoxon 1945): all 2^n assignments of signs are counted, none is drawn. The interval is the
// test's inversion by Walsh averages (Hodges and Lehmann 1963). A difference that is known within
// bounds alone, by a grid or by censoring, enters with the bound that widens the interval, so it
// covers at least what it says; bounds may be infinite.
//
// What is assumed: under the null hypothesis a difference and its mirror image about the centre are
// equally likely, as they are where two scenarios have the same distribution.
#pragma once

#include <optional>
#include <vector>

#include "analysis/interval.h"

namespace dtbench {

class SignedRank {
 public:
  // low <= high of each; low is not +infinity, high is not -infinity.
  explicit SignedRank(const std::vector<Interval>& differences);

  // Two-sided, of level 1 - alpha; endless where no rank is that rare at this n.
  Interval interval(double alpha) const;

  // Middle of the median Walsh averages of the lower and of the upper bounds; none where one is
  // infinite, or without values.
  std::optional<double> estimate() const;

 private:
  std::vector<double> lower_, upper_;  // Walsh averages of the bounds, ascending
  std::vector<double> cumulative_;     // P(W <= k) of n signs
};

}  // namespace dtbench
