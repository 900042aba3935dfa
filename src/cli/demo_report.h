// What a demonstration ends with: a table of its cells, and what that table shows. Pure functions
// of the rows (demo_row).
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// One line a cell that has a record, grouped by scenario; under it where the first non-finite value
// arose, or why the cell was not trained. Columns stand closer where `width` would not do.
std::string demo_table(const std::vector<Json>& rows, std::size_t width);

// {"outcome", "timings", "data", "next"}: a sentence each on what the rows show, what disturbed
// their timings ("" for nothing), what they were made from, and what to run next.
Json demo_findings(const std::vector<Json>& rows);

}  // namespace dtbench
