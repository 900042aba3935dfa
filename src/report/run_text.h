// What `show` prints of one run, on one screen.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "record/run_directory.h"

namespace dtbench {

// How it ended and why, its scores beside the constant answer's, what rounding lost, what it cost,
// and its last steps. `summary`: summary_of(run); `steps`: the lines of steps.jsonl.
std::string run_text(const RunRecord& run, const Json& summary, const std::vector<Json>& steps);

}  // namespace dtbench
