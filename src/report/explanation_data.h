// What the report's page shows of a dead cell's explain.json.
#pragma once

#include "base/json.h"
#include "record/run_directory.h"

namespace dtbench {

// Null where the cell stayed finite, has no explanation, or has one that cannot be read. Else
//   cause, verdict, since_step (null: no mechanism); replay, where, why, proof: sentences ("" where
//     there is nothing to say);
//   chain: places from the origin to the loss or the weights;
//   signal: what grew under the mechanism: title, step, value, and the bound that it ought to keep;
//   window: steps of a trial, with trials: change, role, end, loss, longest_step, signal.
Json explanation_data(const RunRecord& run);

}  // namespace dtbench
