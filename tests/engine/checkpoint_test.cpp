// A run cut at any step and resumed equals the undisturbed one, bit for bit.
#include "engine/train/checkpoint.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
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
  auto trainer = std::make_unique<Trainer>(spec, store, at::kCPU);
  TrainingState state;
  if (cut >= 0) {
    for (std::int64_t step = 0; step < cut; ++step) {
      auto gradients = trainer->compute_gradients(step);
      trainer->apply_gradients(gradients);
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
  const LoopHooks hooks{{&losses}, [] { return false; }, mutex, [] {}};
  EXPECT_EQ(run_training(*trainer, state, hooks), LoopEnd::kCompleted);
  Trained run{losses.values, {}, *state.last_evaluation};
  for (const at::Tensor& value : trainer->parameters().values())
    run.parameters.push_back(value.detach().clone());
  return run;
}

struct Cell {
  const char* scenario;
  const char* policy;
};

class Resume : public ::testing::TestWithParam<Cell> {};

TEST_P(Resume, EqualsTheUndisturbedRunInEveryNumber) {
  RunSpec spec = short_spec(GetParam().scenario);
  spec.policy = policy_named(GetParam().policy);
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

// Scenarios, and every kind of state: 16 bits, 8 bits, compensation, draws by step, loss scale.
INSTANTIATE_TEST_SUITE_P(Cells, Resume,
                         ::testing::Values(Cell{"A", "fp32_true"}, Cell{"E", "fp32_true"},
                                           Cell{"E", "bf16_pure"}, Cell{"E", "amp_bf16_8bit"},
                                           Cell{"E", "bf16_kahan"}, Cell{"E", "bf16_stochastic"},
                                           Cell{"E", "fp16_scaled"}));

class Evaluations : public TrainingObserver {
 public:
  void on_evaluation(std::int64_t step, const Evaluation&, double) override {
    steps.push_back(step);
  }
  std::vector<std::int64_t> steps;
};

LoopEnd run_from(const RunSpec& spec, const TokenStore& store, TrainingState& state,
                 TrainingObserver& observer) {
  Trainer trainer(spec, store, at::kCPU);
  std::mutex mutex;
  return run_training(trainer, state, {{&observer}, [] { return false; }, mutex, [] {}});
}

// A checkpoint is saved before the evaluation that follows its step.
TEST(Loop, AnEvaluationThatWasDueAtTheCheckpointIsMadeUpFor) {
  RunSpec spec = short_spec("A");
  spec.train.eval_every = 4;
  const TokenStore store(tiny_store(spec));
  TrainingState state;
  state.record_evaluation({.loss = 7.0});
  state.steps_completed = 4;
  Evaluations evaluations;
  EXPECT_EQ(run_from(spec, store, state, evaluations), LoopEnd::kCompleted);
  EXPECT_EQ(evaluations.steps, (std::vector<std::int64_t>{4, 6}));
}

TEST(Loop, ARunThatDivergedBeforeItsCheckpointDoesNotTrainOn) {
  const RunSpec spec = short_spec("A");
  const TokenStore store(tiny_store(spec));
  TrainingState state;
  state.steps_completed = 2;
  state.first_nonfinite = NonFiniteEvent{1, 0, Phase::kLoss, NonfiniteKind::kNan, "loss", -1};
  Evaluations evaluations;
  EXPECT_EQ(run_from(spec, store, state, evaluations), LoopEnd::kNonFinite);
  EXPECT_EQ(state.steps_completed, 2);
}

// The largest of NaNs would be label 0, the most frequent one: a dead model would score as well as
// the constant answer.
TEST(Trainer, ANaNLogitScoresNothing) {
  for (const char* scenario : {"C", "E"}) {
    const RunSpec spec = short_spec(scenario);
    const TokenStore store(tiny_store(spec));
    const Trainer trainer(spec, store, at::kCPU);
    EXPECT_TRUE(std::isfinite(*trainer.evaluate().f1_micro)) << scenario;
    trainer.parameters().at("score.weight").value.detach().fill_(std::nan(""));
    const Evaluation evaluation = trainer.evaluate();
    EXPECT_TRUE(std::isnan(*evaluation.f1_micro)) << scenario;
    EXPECT_TRUE(std::isnan(*evaluation.f1_macro)) << scenario;
    EXPECT_TRUE(std::isnan(evaluation.accuracy.value_or(std::nan("")))) << scenario;
  }
}

// Gradients that are finite, with a norm beyond fp32: the clipping coefficient is 1 / inf.
TEST(Trainer, AnInfiniteGradientNormIsNamed) {
  const RunSpec spec = short_spec("E");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  trainer.parameters().at("score.weight").value.mul_(1e23);
  trainer.parameters().at("transformer.ln_f.weight").value.mul_(1e-24);
  const Trainer::Gradients gradients = trainer.compute_gradients(0);
  EXPECT_TRUE(std::isfinite(gradients.event.loss));
  ASSERT_TRUE(gradients.nonfinite);
  EXPECT_EQ(gradients.nonfinite->tensor, "grad_norm");
  EXPECT_EQ(gradients.nonfinite->phase, Phase::kBackward);
  EXPECT_EQ(gradients.nonfinite->kind, NonfiniteKind::kInf);
}

at::Tensor counting(at::ScalarType type) {
  return at::arange(6, at::kInt).to(type).view({2, 3});
}

TEST(Checkpoint, HoldsEveryDatatype) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "tensors.safetensors";
  NamedTensors saved, restored;
  for (const at::ScalarType type :
       {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf, at::kByte, at::kInt, at::kLong}) {
    saved.emplace_back(c10::toString(type), counting(type));
    restored.emplace_back(c10::toString(type), at::zeros_like(counting(type)));
  }
  saved.emplace_back("scalar", at::full({}, 1.5));
  restored.emplace_back("scalar", at::zeros({}, at::kDouble));
  saved.back().second = saved.back().second.to(at::kDouble);
  save_tensors(file, saved, {{"note", "kept"}});
  EXPECT_EQ(restore_tensors(file, restored).at("note"), "kept");
  for (std::size_t i = 0; i < saved.size(); ++i)
    EXPECT_TRUE(at::equal(restored[i].second, saved[i].second)) << saved[i].first;
}

TEST(Checkpoint, AMisfitIsNamedAndNothingIsRestored) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "tensors.safetensors";
  save_tensors(file, {{"a", counting(at::kFloat)}, {"b", counting(at::kFloat)}}, {});
  const at::Tensor a = at::zeros({2, 3}), of_8_bits = at::zeros({2, 3}, at::kByte);
  try {
    restore_tensors(file, {{"a", a}, {"b", of_8_bits}});
    FAIL() << "fp32 was restored into uint8";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("'b' is F32[2, 3], expected U8[2, 3]"),
              std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(at::equal(a, at::zeros({2, 3})));
}

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
