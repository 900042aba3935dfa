// How many cells survive, and when the others meet their first non-finite value.
#pragma once

#include <vector>

#include "analysis/cells.h"

namespace dtbench {

// {"n", "level", "finite" and "trained": {"count", "low", "high"} by Clopper and Pearson,
// "outcomes": how many of each, "kaplan_meier": [{"step", "at_risk", "events", "survival", "low",
// "high"}]}. A cell that stays finite is censored after its last step.
Json stability(const std::vector<const Cell*>& cells);

}  // namespace dtbench
