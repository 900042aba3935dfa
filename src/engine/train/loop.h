// The training loop: evaluate, step until done, evaluate.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "engine/train/events.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench {

enum class LoopEnd { kCompleted, kNonFinite, kStopped };

// What the loop needs from its surroundings.
struct LoopHooks {
  std::vector<TrainingObserver*> observers;
  // Whether training is to stop after this step; asked by all processes of a cell together.
  std::function<bool()> stop_requested;
  // Held while parameters, moments, state and steps.jsonl change together; whoever holds it sees
  // all of them at the same step.
  std::mutex& consistent;
  // Called after each step with `consistent` held; saves a checkpoint when one is due.
  std::function<void()> after_step;
};

// From state.steps_completed on to the spec's number of steps.
LoopEnd run_training(Trainer& trainer, TrainingState& state, const LoopHooks& hooks);

}  // namespace dtbench
