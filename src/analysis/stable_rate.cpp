#include "analysis/stable_rate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dtbench {

LargestStableRate largest_stable_rate(const std::vector<const Cell*>& cells) {
  const auto death =
      std::find_if(cells.begin(), cells.end(), [](const Cell* cell) { return !cell->finite(); });
  return {static_cast<std::size_t>(death - cells.begin()), cells.size()};
}

std::optional<double> rate_of(const LargestStableRate& found, const std::vector<double>& rates) {
  if (found.died_at_lowest()) return std::nullopt;
  return rates[found.stable - 1];
}

Interval log2_bounds(const LargestStableRate& found, const std::vector<double>& rates) {
  const double low = found.died_at_lowest() ? -std::numeric_limits<double>::infinity()
                                            : std::log2(rates[found.stable - 1]);
  return {low, found.survived_highest() ? low : std::log2(rates[found.stable])};
}

Json censoring(const LargestStableRate& found) {
  if (found.died_at_lowest()) return "low";
  return found.survived_highest() ? Json("high") : Json();
}

std::optional<double> rate_sensitivity(const std::vector<const Cell*>& cells) {
  std::vector<double> losses;
  std::size_t ended_cells = 0;
  for (const Cell* cell : cells) {
    const auto first = cell->measured("/convergence/val_loss_first");
    const auto last = cell->measured("/convergence/val_loss");
    if (!first || !std::isfinite(*first) || (cell->finite() && !last)) return std::nullopt;
    const bool ended = cell->finite() && std::isfinite(*last);
    ended_cells += ended ? 1 : 0;
    losses.push_back(ended ? std::min(*last, *first) : *first);
  }
  // Where no rate trains at all there is no best loss to be away from.
  if (ended_cells == 0) return std::nullopt;
  const double best = *std::min_element(losses.begin(), losses.end());
  double sum = 0;
  for (const double loss : losses)
    sum += loss - best;
  return sum / static_cast<double>(losses.size());
}

}  // namespace dtbench
