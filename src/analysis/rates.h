// What the learning rate does: where several rates were run, which of them each policy survives.
#pragma once

#include <vector>

#include "analysis/cells.h"

namespace dtbench {

// One object for each set of cells that differ in policy, seed and learning rate alone, where there
// are at least two rates: {"scenario", "preset", "steps", "device", "rates", "policies":
// [{"policy", "map": [{"rate", "n", "finite", "trained", "val_loss": mean or null}], "by_seed":
// [{"seed", "largest_stable_rate", "censored", "sensitivity", "log2_over_reference"}]}]}. A seed
// that was not run at all of the rates has no place in by_seed.
Json rates(const std::vector<Cell>& cells);

}  // namespace dtbench
