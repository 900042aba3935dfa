// The largest stable learning rate of a grid, and how much the final loss depends on the rate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/cells.h"
#include "analysis/interval.h"

namespace dtbench {

// A grid of learning rates, ascending, and one seed's cells at them.
//
// Stable: finite to the last step at a rate and at every lower one of the grid. What is asked for
// is the largest stable rate up to the grid's highest, which fp32_true as a rule survives: survival
// there is censored, and counts as the highest rate. Death at the lowest rate is censored, too: of
// the largest stable rate no more is known than that it is lower.
struct LargestStableRate {
  std::size_t stable = 0;  // rates of the grid that are stable, from the lowest
  std::size_t rates = 0;   // of the grid

  bool died_at_lowest() const { return stable == 0; }
  bool survived_highest() const { return stable == rates; }
};

// One cell a rate; none is null.
LargestStableRate largest_stable_rate(const std::vector<const Cell*>& cells);

// The rate itself; none where the lowest is not stable.
std::optional<double> rate_of(const LargestStableRate& found, const std::vector<double>& rates);

// log2 of the rate lies within: a step of the grid, [r_i, r_i+1]; -infinity below the lowest; the
// highest rate itself where it survives.
Interval log2_bounds(const LargestStableRate& found, const std::vector<double>& rates);

// "low": died at the lowest rate; "high": survived the highest; null.
Json censoring(const LargestStableRate& found);

// Learning-rate sensitivity (Wortsman et al. 2023, arXiv 2309.14322, eq. 1): the mean over the
// grid of min(final loss, initial loss) - the smallest final loss, of validation; a cell that met a
// non-finite value counts with the initial loss. None where a loss is not recorded.
std::optional<double> rate_sensitivity(const std::vector<const Cell*>& cells);

}  // namespace dtbench
