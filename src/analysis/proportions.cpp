#include "analysis/proportions.h"

#include <boost/math/special_functions/beta.hpp>

namespace dtbench {
namespace {

// By the probability of each tail rather than by the level, which cannot resolve small ones.
Interval interval_of_tails(Proportion proportion, double tail) {
  const auto n = static_cast<double>(proportion.n);
  const auto x = static_cast<double>(proportion.successes);
  return {x == 0 ? 0.0 : boost::math::ibeta_inv(x, n - x + 1, tail),
          x == n ? 1.0 : boost::math::ibetac_inv(x + 1, n - x, tail)};
}

}  // namespace

Interval clopper_pearson(Proportion proportion, double level) {
  return interval_of_tails(proportion, (1 - level) / 2);
}

Interval paired_difference_interval(Discordant pairs, double alpha) {
  const Interval first = interval_of_tails({pairs.first_only, pairs.n}, alpha / 4);
  const Interval second = interval_of_tails({pairs.second_only, pairs.n}, alpha / 4);
  return {first.low - second.high, first.high - second.low};
}

}  // namespace dtbench
