#include "analysis/proportions.h"

#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace dtbench {
namespace {

// By the probability of each tail rather than by the level, which cannot resolve small ones.
Interval interval_of_tails(Proportion proportion, double tail) {
  const auto n = static_cast<double>(proportion.n);
  const auto x = static_cast<double>(proportion.successes);
  return {x == 0 ? 0.0 : boost::math::ibeta_inv(x, n - x + 1, tail),
          x == n ? 1.0 : boost::math::ibetac_inv(x + 1, n - x, tail)};
}

Interval difference_of_alpha(Proportion first, Proportion second, double alpha) {
  const double tail = -std::expm1(0.5 * std::log1p(-alpha)) / 2;  // (1 - sqrt(1 - alpha)) / 2
  const Interval a = interval_of_tails(first, tail), b = interval_of_tails(second, tail);
  return {a.low - b.high, a.high - b.low};
}

}  // namespace

Interval clopper_pearson(Proportion proportion, double level) {
  return interval_of_tails(proportion, (1 - level) / 2);
}

Interval difference_interval(Proportion first, Proportion second, double level) {
  return difference_of_alpha(first, second, 1 - level);
}

double p_difference_below(Proportion first, Proportion second, double bound) {
  // The interval shrinks as alpha grows: bisection of log alpha.
  double low = std::log(1e-12), high = std::log(1 - 1e-12);
  const auto ends_below = [&](double log_alpha) {
    return difference_of_alpha(first, second, std::exp(log_alpha)).high < bound;
  };
  if (!ends_below(high)) return 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (ends_below(middle) ? high : low) = middle;
  }
  return std::exp(high);
}

}  // namespace dtbench
