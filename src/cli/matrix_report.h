// What a matrix is expected to be, and what became of it, as JSON and for people.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "sweep/sweep.h"

namespace dtbench {

// {"cells": [{"cell_id", "name", "status", "memory_bytes", "seconds", "usd"}], "total": {...}}:
// null where it is not known before data is prepared, or before a cell of its kind was trained.
Json forecast(const std::vector<SweepCell>& cells, const SweepOptions& options);
std::string forecast_text(const Json& forecast);

// {"cells": [{"cell_id", "name", "state", "failure"}], "counts": {state: cells}, "out",
// "device_s", "spent_usd", "budget"}.
Json matrix_summary(const std::vector<SweepCell>& cells, const SweepOptions& options);
std::string matrix_summary_text(const Json& summary);

}  // namespace dtbench
