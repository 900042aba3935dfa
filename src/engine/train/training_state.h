// What a run knows of its past beside weights and moments: the rest of a checkpoint.
#pragma once

#include <cstdint>
#include <optional>

#include "base/json.h"
#include "engine/train/events.h"

namespace dtbench {

struct TrainingState {
  std::int64_t steps_completed = 0;
  std::optional<NonFiniteEvent> first_nonfinite;
  std::optional<double> first_loss, last_loss;
  std::int64_t steps_above_twice_first = 0;  // running: consecutive steps until now
  bool loss_exploded = false;                // 20 such steps running (contract, diverged_finite)
  std::optional<Evaluation> first_evaluation, last_evaluation;
  std::int64_t last_evaluation_step = -1;
  // Of all processes that worked on the cell:
  double wall_seconds = 0;
  Json peak_memory;  // as telemetry/peak_memory.h gives it; null before the first checkpoint

  void record_step(const StepEvent& event);
  void record_evaluation(const Evaluation& evaluation);
};

Json to_json(const NonFiniteEvent& event);
Json to_json(const TrainingState& state);
// Throws Error (usage) for a document that to_json did not write.
TrainingState training_state_from_json(const Json& json);

}  // namespace dtbench
