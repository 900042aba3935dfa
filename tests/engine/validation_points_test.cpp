// Points along the way are of the first validation examples, come when they are due, and leave
// training as it is.
#include "config/validation_points.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "engine/small_model.h"
#include "engine/train/loop.h"

namespace dtbench::testing {
namespace {

RunSpec spec_of(const std::string& scenario, std::int64_t steps) {
  RunSpec spec = tiny_spec(scenario);
  spec.model.width = 32;
  spec.train.steps = steps;
  spec.train.batch = 4;
  spec.train.micro_batch = 2;
  spec.train.eval_examples = 10;
  return spec;
}

class Points : public TrainingObserver {
 public:
  void on_evaluation(std::int64_t step, const Evaluation& evaluation, double) override {
    evaluations[step] = *evaluation.point_loss;
  }
  void on_validation_point(std::int64_t step, double loss, double) override { points[step] = loss; }
  std::map<std::int64_t, double> evaluations, points;
};

LoopEnd run(Trainer& trainer, TrainingState& state, Points& points) {
  std::mutex mutex;
  return run_training(trainer, state, {{&points}, [] { return false; }, mutex, [] {}});
}

std::vector<std::int64_t> steps_of(const std::map<std::int64_t, double>& losses) {
  std::vector<std::int64_t> steps;
  for (const auto& [step, loss] : losses)
    steps.push_back(step);
  return steps;
}

// The whole evaluation of a spec that has those examples and no others.
TEST(ValidationPoint, IsTheLossOfTheFirstExamples) {
  for (const char* scenario : {"A", "B", "C", "E"}) {
    const RunSpec spec = spec_of(scenario, 30);
    RunSpec few = spec;
    few.train.eval_examples = 4;
    const TokenStore store(tiny_store(spec));
    const Trainer trainer(spec, store, at::kCPU), other(few, store, at::kCPU);
    ASSERT_EQ(trainer.point_examples(), 4) << scenario;
    const Evaluation whole = trainer.evaluate();
    EXPECT_EQ(whole.point_loss, other.evaluate().loss) << scenario;
    EXPECT_EQ(trainer.evaluate_point(), other.evaluate().loss) << scenario;
    EXPECT_NE(whole.loss, *whole.point_loss) << scenario;
  }
}

TEST(ValidationPoint, ComesBetweenEvaluationsAndChangesNoWeight) {
  const RunSpec spec = spec_of("E", 55);
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU), alone(spec, store, at::kCPU);
  TrainingState state;
  Points points;
  EXPECT_EQ(run(trainer, state, points), LoopEnd::kCompleted);
  EXPECT_EQ(steps_of(points.points), (std::vector<std::int64_t>{25, 50}));
  EXPECT_EQ(steps_of(points.evaluations), (std::vector<std::int64_t>{0, 55}));
  std::map<std::int64_t, double> evaluated;
  for (std::int64_t step = 0; step < 55; ++step) {
    if (step == 25 || step == 50) evaluated[step] = *alone.evaluate().point_loss;
    auto gradients = alone.compute_gradients(step);
    alone.apply_gradients(gradients);
  }
  EXPECT_EQ(points.points, evaluated);
  EXPECT_EQ(trainer.parameters().fingerprint(), alone.parameters().fingerprint());
}

TEST(ValidationPoint, GivesWayToAnEvaluationOfItsStep) {
  RunSpec spec = spec_of("E", 55);
  spec.train.eval_every = 50;
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  TrainingState state;
  Points points;
  EXPECT_EQ(run(trainer, state, points), LoopEnd::kCompleted);
  EXPECT_EQ(steps_of(points.points), (std::vector<std::int64_t>{25}));
  EXPECT_EQ(steps_of(points.evaluations), (std::vector<std::int64_t>{0, 50, 55}));
}

// A checkpoint is saved before the point that follows its step.
TEST(ValidationPoint, IsMadeUpForByAProcessThatResumesAtItsStep) {
  const RunSpec spec = spec_of("E", 30);
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  TrainingState state;
  state.record_evaluation({.loss = 7.0});
  state.steps_completed = 25;
  Points points;
  EXPECT_EQ(run(trainer, state, points), LoopEnd::kCompleted);
  EXPECT_EQ(steps_of(points.points), (std::vector<std::int64_t>{25}));
}

}  // namespace
}  // namespace dtbench::testing
