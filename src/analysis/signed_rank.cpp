#include "analysis/signed_rank.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/median.h"

namespace dtbench {
namespace {

std::vector<double> walsh_averages(const std::vector<double>& values) {
  std::vector<double> averages;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i; j < values.size(); ++j)
      averages.push_back(values[i] / 2 + values[j] / 2);
  std::sort(averages.begin(), averages.end());
  return averages;
}

// Of the sum of ranks 1 to n with signs at random: those that come out positive.
std::vector<double> cumulative_of(std::size_t n) {
  std::vector<double> probability(n * (n + 1) / 2 + 1, 0.0);
  probability[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank)
    for (std::size_t sum = probability.size(); sum-- > 0;)
      probability[sum] = 0.5 * (probability[sum] + (sum >= rank ? probability[sum - rank] : 0.0));
  for (std::size_t sum = 1; sum < probability.size(); ++sum)
    probability[sum] += probability[sum - 1];
  return probability;
}

}  // namespace

SignedRank::SignedRank(const std::vector<Interval>& differences)
    : cumulative_(cumulative_of(differences.size())) {
  std::vector<double> low, high;
  for (const Interval& each : differences) {
    low.push_back(each.low);
    high.push_back(each.high);
  }
  lower_ = walsh_averages(low);
  upper_ = walsh_averages(high);
}

Interval SignedRank::interval(double alpha) const {
  std::size_t rank = 0;  // of the ends, counted from outside
  while (rank < (lower_.size() + 1) / 2 && cumulative_[rank] <= alpha / 2)
    ++rank;
  constexpr double kEndless = std::numeric_limits<double>::infinity();
  if (rank == 0) return {-kEndless, kEndless};
  return {lower_[rank - 1], upper_[upper_.size() - rank]};
}

std::optional<double> SignedRank::estimate() const {
  if (lower_.empty()) return std::nullopt;
  const double low = median_of_sorted(lower_), high = median_of_sorted(upper_);
  if (!std::isfinite(low) || !std::isfinite(high)) return std::nullopt;
  return (low + high) / 2;
}

}  // namespace dtbench
