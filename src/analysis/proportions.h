// Exact intervals of proportions: they cover at least as often as they say, however small n is.
#pragma once

#include <cstdint>

#include "analysis/interval.h"

namespace dtbench {

struct Proportion {
  std::int64_t successes = 0;
  std::int64_t n = 0;

  double share() const { return static_cast<double>(successes) / static_cast<double>(n); }
};

// Two-sided (Clopper and Pearson 1934). [0, 1] for n = 0.
Interval clopper_pearson(Proportion proportion, double level);

// Pairs of which `first` has the outcome and its partner has not, or the reverse.
struct Discordant {
  std::int64_t first_only = 0, second_only = 0;
  std::int64_t n = 0;  // pairs, also those that agree

  double difference() const {
    return static_cast<double>(first_only - second_only) / static_cast<double>(n);
  }
};

// Of the difference between two proportions of paired cells, first - second, of level 1 - alpha:
// from Clopper-Pearson intervals of the two discordant shares at alpha / 2 each (Bonferroni), so
// that both hold at once however the two depend on each other. [-1, 1] for n = 0.
Interval paired_difference_interval(Discordant pairs, double alpha);

}  // namespace dtbench
