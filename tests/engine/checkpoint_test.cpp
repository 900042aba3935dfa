// A run cut at any step and resumed equals the undisturbed one, bit for bit.
#include "engine/train/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/error.h"
#include "data/safetensors.h"
#include "engine/small_model.h"
#include "engine/train/loop.h"

namespace dtbench::testing {
namespace {

RunSpec short_spec(const std::string& scenario) {
  RunSpec spec = tiny_spec(scenario);
  spec.train.steps = 6;
  spec.train.warmup_steps = 2;
  spec.train.eval_examples = 4;
  return spec;
}

class Losses : public TrainingObserver {
 public:
  void on_step(const StepEvent& event) override { values.push_back(event.loss); }
  std::vector<double> values;
};

struct Trained {
  std::vector<double> losses;
  std::vector<at::Tensor> parameters;
  Evaluation evaluation;
};

// Trains to the end; with `cut` >= 0 the run is stopped there, saved, and taken up by a new
// trainer.
Trained train(const RunSpec& spec, const TokenStore& store, std::int64_t cut) {
  const TemporaryDirectory directory;
  Losses losses;
  std::mutex mutex;
  const StopSignal stop([] {});
  auto trainer = std::make_unique<Trainer>(spec, store, at::kCPU);
  TrainingState state;
  if (cut >= 0) {
    for (std::int64_t step = 0; step < cut; ++step) {
      auto gradients = trainer->compute_gradients(step);
      trainer->apply_gradients(
          step, spec.train.learning_rate * (step < 2 ? 0.5 * static_cast<double>(step + 1) : 1.0));
      losses.on_step(gradients.event);
      state.record_step(gradients.event);
    }
    state.record_evaluation(trainer->evaluate());
    save_checkpoint(directory.path(), *trainer, state, 123);
    trainer = std::make_unique<Trainer>(spec, store, at::kCPU);
    const ResumePoint point = load_checkpoint(directory.path(), *trainer);
    EXPECT_EQ(point.steps_size, 123u);
    state = point.state;
    EXPECT_EQ(state.steps_completed, cut);
  }
  const LoopHooks hooks{{&losses}, stop, mutex, [] {}};
  EXPECT_EQ(run_training(*trainer, state, hooks), LoopEnd::kCompleted);
  Trained run{losses.values, {}, *state.last_evaluation};
  for (const at::Tensor& value : trainer->parameters().values())
    run.parameters.push_back(value.detach().clone());
  return run;
}

class Resume : public ::testing::TestWithParam<const char*> {};

TEST_P(Resume, EqualsTheUndisturbedRunInEveryNumber) {
  const RunSpec spec = short_spec(GetParam());
  const TokenStore store(tiny_store(spec));
  const Trained whole = train(spec, store, -1);
  for (const std::int64_t cut : {1, 3, 5}) {
    const Trained resumed = train(spec, store, cut);
    EXPECT_EQ(resumed.losses, whole.losses) << "cut at " << cut;
    EXPECT_EQ(resumed.evaluation.loss, whole.evaluation.loss) << "cut at " << cut;
    for (std::size_t i = 0; i < whole.parameters.size(); ++i)
      EXPECT_TRUE(at::equal(resumed.parameters[i], whole.parameters[i])) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Resume, ::testing::Values("A", "E"));

TEST(Checkpoint, OfAnotherModelIsRefused) {
  RunSpec spec = short_spec("A");
  const TokenStore store(tiny_store(spec));
  const TemporaryDirectory directory;
  const Trainer small(spec, store, at::kCPU);
  save_checkpoint(directory.path(), small, {}, 0);
  spec.model.layers += 1;
  Trainer larger(spec, store, at::kCPU);
  try {
    load_checkpoint(directory.path(), larger);
    FAIL() << "a checkpoint of another model was accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("transformer.h.2"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dtbench::testing
