// Two sets of runs of the same cells, of two programs or two devices: what changed beyond noise.
// The JSON's fields: docs/report.md.
#pragma once

#include <vector>

#include "record/run_directory.h"

namespace dtbench {

// A cell of `before` is paired with the one of `after` that has its spec, on whatever device, and
// was trained on the same data from the same weights.
Json changes(const std::vector<RunRecord>& before, const std::vector<RunRecord>& after);

}  // namespace dtbench
