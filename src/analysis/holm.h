// Several tests at once.
#pragma once

#include <vector>

namespace dtbench {

// p-values adjusted by Holm's step-down rule (1979), in the order given: rejecting those that are
// at most alpha keeps the probability of any false rejection at most alpha.
std::vector<double> holm(const std::vector<double>& p_values);

}  // namespace dtbench
