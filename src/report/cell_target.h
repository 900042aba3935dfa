// Of one cell, when it reached the loss that its fp32_true ends at.
#pragma once

#include "report/report_cells.h"

namespace dtbench {

// The cell's entry in by_seed of analyse()'s to_target, which an fp32_true has too; null where it
// has none. `setting`: the cell's row's, may be null.
Json cell_target(const Json& setting, const ReportCell& cell);

}  // namespace dtbench
