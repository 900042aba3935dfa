#include "analysis/kaplan_meier.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace dtbench {
namespace {

std::optional<Interval> log_log_interval(double survival, double greenwood, double z) {
  if (survival == 0) return std::nullopt;
  const double log_survival = std::log(survival);
  const double half = z * std::sqrt(greenwood) / std::fabs(log_survival);
  return Interval{std::exp(log_survival * std::exp(half)),
                  std::exp(log_survival * std::exp(-half))};
}

}  // namespace

std::vector<SurvivalStep> kaplan_meier(std::vector<Lifetime> lifetimes, double level) {
  std::sort(lifetimes.begin(), lifetimes.end(),
            [](const Lifetime& a, const Lifetime& b) { return a.step < b.step; });
  const double z = boost::math::quantile(boost::math::normal(), (1 + level) / 2);
  std::vector<SurvivalStep> steps;
  double survival = 1, greenwood = 0;
  for (auto from = lifetimes.begin(); from != lifetimes.end();) {
    const auto to = std::find_if(from, lifetimes.end(),
                                 [&](const Lifetime& life) { return life.step != from->step; });
    const std::int64_t at_risk = lifetimes.end() - from;
    const std::int64_t events = std::count_if(from, to, [](const Lifetime& l) { return l.event; });
    if (events > 0) {
      const auto n = static_cast<double>(at_risk), d = static_cast<double>(events);
      survival *= (n - d) / n;
      greenwood += d / (n * (n - d));
      steps.push_back(
          {from->step, at_risk, events, survival, log_log_interval(survival, greenwood, z)});
    }
    from = to;
  }
  return steps;
}

}  // namespace dtbench
