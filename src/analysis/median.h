// The median of values in order: of an even number, the mean of the middle two.
#pragma once

#include <vector>

namespace dtbench {

// `sorted` ascends and is not empty.
inline double median_of_sorted(const std::vector<double>& sorted) {
  const std::size_t n = sorted.size();
  return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

}  // namespace dtbench
