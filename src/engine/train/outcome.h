// What the training did, in the contract's words ("What the record calls things").
#pragma once

#include <optional>

#include "engine/train/training_state.h"
#include "record/status.h"

namespace dtbench {

// Nothing when the run has no last evaluation.
// `constant_loss` is the validation loss of the best constant answer on the same targets.
// Weights that were trained before have seen such text: they need not improve by 1 % on their
// start, only not be worse.
enum class StartOf { kScratch, kPretrained };
std::optional<Outcome> outcome(const TrainingState& state, double constant_loss, StartOf weights);

}  // namespace dtbench
