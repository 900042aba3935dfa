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
  // Around each step and outside of its time, for those that watch a step's tensors: before its
  // clock starts, and before after_step with `consistent` held, the gradients still stored. They
  // change nothing that training reads. May be empty.
  std::function<void(std::int64_t step)> before_step = {};
  std::function<void(const Trainer::Gradients&, const std::optional<NonFiniteEvent>&)> inspect = {};
};

// From state.steps_completed on to the spec's number of steps.
LoopEnd run_training(Trainer& trainer, TrainingState& state, const LoopHooks& hooks);

}  // namespace dtbench
