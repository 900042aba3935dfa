// The bootstrap distribution of a mean, for samples too large to assume normal values for and large
// enough to resample. Intervals: percentile, and bias-corrected and accelerated (BCa; Efron 1987,
// JASA 82, 171-185), as scipy.stats.bootstrap computes them.
//
// The draws are counter-based: resample b takes its i-th value from a counter of (b, i) alone, so
// the same values have the same interval everywhere and always.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/interval.h"

namespace dtbench {

class BootstrapMean {
 public:
  static constexpr std::uint32_t kResamples = 10000;

  // Needs two values that differ.
  explicit BootstrapMean(std::span<const double> values, std::uint32_t resamples = kResamples);

  // Two-sided.
  Interval percentile(double level) const;
  Interval bca(double level) const;

  // One-sided p-values of "the mean is at most (at least) `bound`": the tail of the BCa interval
  // that ends at `bound`. Not below half a resample.
  double p_above(double bound) const;
  double p_below(double bound) const;

  // Which value resample `resample` takes at `position`.
  static std::uint64_t drawn_index(std::uint32_t resample, std::size_t position, std::size_t n);

 private:
  double quantile(double share) const;
  // The normal quantile of the share of resampled means below `value`, ties counting half.
  double normal_rank(double value) const;
  double bca_share(double tail) const;  // where the one-sided BCa limit lies among the resamples

  double mean_ = 0;
  std::vector<double> means_;  // of the resamples, sorted
  double bias_ = 0;            // z_0
  double acceleration_ = 0;    // a, by the jackknife
};

}  // namespace dtbench
