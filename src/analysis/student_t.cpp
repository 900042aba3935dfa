#include "analysis/student_t.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

namespace dtbench {
namespace {

using StudentT = boost::math::students_t;

StudentT distribution(std::size_t n) {
  return StudentT(static_cast<double>(n - 1));
}

double standard_error(const MeanAndSpread& sample) {
  return sample.sd / std::sqrt(static_cast<double>(sample.n));
}

double upper_quantile(std::size_t n, double tail) {
  return boost::math::quantile(boost::math::complement(distribution(n), tail));
}

}  // namespace

MeanAndSpread mean_and_spread(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double first = values.front();
  double sum = 0;  // of differences to the first value, so that equal values have no rounding
  for (const double value : values)
    sum += value - first;
  const double mean = first + sum / n;
  double squares = 0;
  for (const double value : values)
    squares += (value - mean) * (value - mean);
  const double sd =
      values.size() > 1 ? std::sqrt(squares / (n - 1)) : std::numeric_limits<double>::quiet_NaN();
  return {values.size(), mean, sd};
}

Interval student_t_interval(const MeanAndSpread& sample, double level) {
  const double half = upper_quantile(sample.n, (1 - level) / 2) * standard_error(sample);
  return {sample.mean - half, sample.mean + half};
}

double student_t_p_above(const MeanAndSpread& sample, double bound) {
  if (sample.sd == 0) return sample.mean > bound ? 0 : 1;
  const double t = (sample.mean - bound) / standard_error(sample);
  return boost::math::cdf(boost::math::complement(distribution(sample.n), t));
}

double student_t_p_below(const MeanAndSpread& sample, double bound) {
  return student_t_p_above({sample.n, -sample.mean, sample.sd}, -bound);
}

std::size_t values_needed(double sd, double distance, double alpha, double power,
                          std::size_t largest) {
  for (std::size_t n = 2; n <= largest; ++n) {
    const double quantiles = upper_quantile(n, alpha / 2) + upper_quantile(n, 1 - power);
    if (quantiles * sd <= distance * std::sqrt(static_cast<double>(n))) return n;
  }
  return 0;
}

}  // namespace dtbench
