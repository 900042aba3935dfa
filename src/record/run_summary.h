// What `list`, `show` and `run` say of a run in one line.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "record/run_directory.h"

namespace dtbench {

// The records below a folder that a user named. Throws Error (usage) with `hint` where there is
// none.
std::vector<RunRecord> runs_in(const std::string& folder, const std::string& hint,
                               RecordFiles files = RecordFiles::kAll);

// {"cell_id", "path", "scenario", "policy", "preset", "seed", "steps_completed", "steps", "status",
// "reason", "outcome", "val_loss", "wall_s", "damage"}; null where the record does not say.
// `status` is the result's, or without one "running" or "interrupted"; "damaged" where the record
// cannot be read.
Json summary_of(const RunRecord& run);

// "completed, trained: 30 of 30 steps, validation loss 5.91, 2.1 s".
std::string one_line(const Json& summary);

}  // namespace dtbench
