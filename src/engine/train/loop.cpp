#include "engine/train/loop.h"

#include <algorithm>

#include "base/clock.h"
#include "config/validation_points.h"
#include "engine/numerics/device_timer.h"

namespace dtbench {
namespace {

// The first steps of a process fill caches and pages; their times are marked.
std::int64_t timing_warmup(std::int64_t steps) {
  return std::min<std::int64_t>(5, steps / 10);
}

class Loop {
 public:
  Loop(Trainer& trainer, TrainingState& state, const LoopHooks& hooks)
      : trainer_(trainer), state_(state), hooks_(hooks), first_step_(state.steps_completed) {}

  LoopEnd run() {
    // A checkpoint may lie between a divergence, or a step, and what follows it.
    if (state_.first_nonfinite && stops_on_nonfinite()) return LoopEnd::kNonFinite;
    evaluate_if_due();
    while (state_.steps_completed < trainer_.spec().train.steps) {
      if (hooks_.stop_requested()) return LoopEnd::kStopped;
      if (!step()) return LoopEnd::kNonFinite;
      if (hooks_.stop_requested()) return LoopEnd::kStopped;
      evaluate_if_due();
    }
    return hooks_.stop_requested() ? LoopEnd::kStopped : LoopEnd::kCompleted;
  }

 private:
  bool stops_on_nonfinite() const {
    return trainer_.spec().train.on_nonfinite == OnNonfinite::kStop;
  }

  // Before the first step, after every eval_every, and after the last.
  bool evaluation_due() const {
    const TrainSpec& train = trainer_.spec().train;
    const std::int64_t step = state_.steps_completed;
    if (state_.last_evaluation_step == step) return false;
    return step == 0 || step == train.steps ||
           (train.eval_every > 0 && step % train.eval_every == 0);
  }

  // Of a point no checkpoint knows: a process that resumes at its step evaluates it again, to the
  // same loss.
  bool point_due() const {
    const std::int64_t step = state_.steps_completed;
    return step > 0 && step != state_.last_evaluation_step &&
           step % point_every(trainer_.spec().train) == 0;
  }

  void evaluate_if_due() {
    if (evaluation_due())
      evaluate();
    else if (point_due())
      evaluate_point();
  }

  // Returns whether training goes on.
  bool step() {
    if (hooks_.before_step) hooks_.before_step(state_.steps_completed);
    const double started = steady_seconds();
    DeviceTimer timer(trainer_.device());
    const std::int64_t step = state_.steps_completed;
    const TrainSpec& train = trainer_.spec().train;
    Trainer::Gradients gradients = trainer_.compute_gradients(step);
    StepEvent& event = gradients.event;
    event.warmup = step - first_step_ < timing_warmup(train.steps);

    const std::lock_guard hold(hooks_.consistent);
    trainer_.launch_update(gradients);
    timer.stop();
    const std::optional<NonFiniteEvent> nonfinite = trainer_.finish_step(gradients);
    event.device_seconds = timer.seconds();
    event.seconds = steady_seconds() - started;
    state_.record_step(event);
    for (TrainingObserver* observer : hooks_.observers)
      observer->on_step(event);
    if (nonfinite) report(*nonfinite);
    if (hooks_.inspect) hooks_.inspect(gradients, nonfinite);
    hooks_.after_step();
    return !(nonfinite && stops_on_nonfinite());
  }

  void report(const NonFiniteEvent& event) {
    if (state_.first_nonfinite) return;
    state_.first_nonfinite = event;
    for (TrainingObserver* observer : hooks_.observers)
      observer->on_nonfinite(event);
  }

  void evaluate() {
    const double started = steady_seconds();
    const Evaluation evaluation = trainer_.evaluate();
    const std::lock_guard hold(hooks_.consistent);
    state_.record_evaluation(evaluation);
    for (TrainingObserver* observer : hooks_.observers)
      observer->on_evaluation(state_.steps_completed, evaluation, steady_seconds() - started);
  }

  // Changes nothing that training reads.
  void evaluate_point() {
    const double started = steady_seconds();
    const double loss = trainer_.evaluate_point();
    const std::lock_guard hold(hooks_.consistent);
    for (TrainingObserver* observer : hooks_.observers)
      observer->on_validation_point(state_.steps_completed, loss, steady_seconds() - started);
  }

  Trainer& trainer_;
  TrainingState& state_;
  const LoopHooks& hooks_;
  const std::int64_t first_step_;
};

}  // namespace

LoopEnd run_training(Trainer& trainer, TrainingState& state, const LoopHooks& hooks) {
  return Loop(trainer, state, hooks).run();
}

}  // namespace dtbench
