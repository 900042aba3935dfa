// The training loop: evaluate, step until done, evaluate.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "engine/train/events.h"
#include "engine/train/stop_signal.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench {

enum class LoopEnd { kCompleted, kNonFinite, kStopped };

// What the loop needs from its surroundings.
struct LoopHooks {
  std::vector<TrainingObserver*> observers;
  const StopSignal& stop;
  // Held while parameters, moments, state and steps.jsonl change together; whoever holds it sees
  // all of them at the same step.
  std::mutex& consistent;
  // Called after each step with `consistent` held; saves a checkpoint when one is due.
  std::function<void()> after_step;
  // Called before it, once the step's clock is read, its gradients being where they are stored.
  // Changes nothing that training reads; may be empty.
  std::function<void(const Trainer::Gradients&, const std::optional<NonFiniteEvent>&)> inspect = {};
};

// From state.steps_completed on to the spec's number of steps.
LoopEnd run_training(Trainer& trainer, TrainingState& state, const LoopHooks& hooks);

}  // namespace dtbench
