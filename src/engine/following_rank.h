// A process of a cell beside the first: it computes its share of each step. The first one has the
// spec, the record and the checkpoints.
#pragma once

#include "engine/cell.h"
#include "engine/distributed/ranks.h"

namespace dtbench {

// Until the cell ends; with the exit code of the rank that ended it. Throws Error.
ExitCode follow_first_rank(const CellOptions& options, Ranks& ranks);

}  // namespace dtbench
