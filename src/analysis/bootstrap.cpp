#include "analysis/bootstrap.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numeric>

#include "base/philox.h"

namespace dtbench {
namespace {

double normal_cdf(double z) {
  return boost::math::cdf(boost::math::normal(), z);
}

double normal_quantile(double share) {
  return boost::math::quantile(boost::math::normal(), share);
}

// Sums of values that fp64 holds exactly, ties among them, stay exact: equal means count as equal.
double plain_mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Leaving value i out moves a mean by (mean - value) / (n - 1), and the powers of n - 1 cancel: the
// jackknife of a mean needs no leaving out.
double jackknife_acceleration(std::span<const double> values, double mean) {
  double squares = 0, cubes = 0;
  for (const double value : values) {
    const double influence = value - mean;
    squares += influence * influence;
    cubes += influence * influence * influence;
  }
  return cubes / (6 * std::pow(squares, 1.5));
}

}  // namespace

std::uint64_t BootstrapMean::drawn_index(std::uint32_t resample, std::size_t position,
                                         std::size_t n) {
  return PhiloxIndexStream({0, stream::kBootstrap}, resample).draw(position, n);
}

BootstrapMean::BootstrapMean(std::span<const double> values, std::uint32_t resamples)
    : mean_(plain_mean(values)) {
  std::vector<double> drawn(values.size());
  means_.reserve(resamples);
  for (std::uint32_t resample = 0; resample < resamples; ++resample) {
    for (std::size_t i = 0; i < values.size(); ++i)
      drawn[i] = values[drawn_index(resample, i, values.size())];
    means_.push_back(plain_mean(drawn));
  }
  std::sort(means_.begin(), means_.end());
  bias_ = normal_rank(mean_);
  acceleration_ = jackknife_acceleration(values, mean_);
}

double BootstrapMean::quantile(double share) const {
  const double place = share * static_cast<double>(means_.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, means_.size() - 1);
  return std::lerp(means_[below], means_[above], place - std::floor(place));
}

double BootstrapMean::normal_rank(double value) const {
  const auto [low, high] = std::equal_range(means_.begin(), means_.end(), value);
  const auto count = static_cast<double>(means_.size());
  const auto twice_below = static_cast<double>((low - means_.begin()) + (high - means_.begin()));
  return normal_quantile(std::clamp(twice_below / (2 * count), 0.5 / count, 1 - 0.5 / count));
}

double BootstrapMean::bca_share(double tail) const {
  const double shifted = bias_ + normal_quantile(tail);
  return normal_cdf(bias_ + shifted / (1 - acceleration_ * shifted));
}

Interval BootstrapMean::percentile(double level) const {
  return {quantile((1 - level) / 2), quantile((1 + level) / 2)};
}

Interval BootstrapMean::bca(double level) const {
  return {quantile(bca_share((1 - level) / 2)), quantile(bca_share((1 + level) / 2))};
}

double BootstrapMean::p_above(double bound) const {
  // bca_share solved for the tail whose limit has the rank of `bound`.
  const double from_bias = normal_rank(bound) - bias_;
  return normal_cdf(from_bias / (1 + acceleration_ * from_bias) - bias_);
}

double BootstrapMean::p_below(double bound) const {
  return 1 - p_above(bound);
}

}  // namespace dtbench
