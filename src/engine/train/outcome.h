// What the training did, in the contract's words ("What the record calls things").
#pragma once

#include <string>

#include "engine/train/training_state.h"

namespace dtbench {

// "nonfinite", "diverged_finite", "stalled" or "trained"; "" when the run has no last evaluation.
// `constant_loss` is the validation loss of the best constant answer on the same targets.
std::string outcome(const TrainingState& state, double constant_loss);

}  // namespace dtbench
