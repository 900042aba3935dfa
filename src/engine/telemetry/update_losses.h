// What the optimizer's roundings lost, from a run's recorded steps: a pure function of steps.jsonl.
#pragma once

#include <vector>

#include "base/json.h"

namespace dtbench {

// result.json's "optimizer": over all steps that updated, the shares of elements whose stored
// weight or second moment did not move though it should have, and of 8-bit second moments stored as
// zero though they are above it. Null where there was nothing to count.
Json update_losses(const std::vector<Json>& steps);

// result.json's "loss_scale": the last step's, and how many steps were skipped; null without one.
Json loss_scale(const std::vector<Json>& steps);

}  // namespace dtbench
