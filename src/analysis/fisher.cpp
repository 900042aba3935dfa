#include "analysis/fisher.h"

#include <algorithm>
#include <boost/math/distributions/hypergeometric.hpp>

namespace dtbench {

double fisher_exact(Proportion first, Proportion second) {
  const std::int64_t successes = first.successes + second.successes;
  const std::int64_t total = first.n + second.n;
  const std::int64_t fewest = std::max<std::int64_t>(0, successes - second.n);
  const std::int64_t most = std::min(successes, first.n);
  if (fewest == most) return 1;  // the margins leave one table
  const boost::math::hypergeometric distribution(static_cast<unsigned>(successes),
                                                 static_cast<unsigned>(first.n),
                                                 static_cast<unsigned>(total));
  const auto probability = [&](std::int64_t x) {
    return boost::math::pdf(distribution, static_cast<double>(x));
  };
  // Tables that are equally likely differ by rounding: R's allowance.
  const double likely = probability(first.successes) * (1 + 1e-7);
  double p = 0;
  for (std::int64_t x = fewest; x <= most; ++x)
    if (const double each = probability(x); each <= likely) p += each;
  return std::min(p, 1.0);
}

}  // namespace dtbench
