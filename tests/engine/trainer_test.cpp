// Skipped windows as a run sees them: what moves with the global step, what stands still, and how a
// scaled policy ends.
#include "engine/train/trainer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "engine/small_model.h"
#include "engine/train/loop.h"

namespace dtbench::testing {
namespace {

// Scenario E, a classification, under a scaled policy that starts at `scale`.
RunSpec scaled_spec(const std::string& policy, double scale, std::int64_t steps) {
  RunSpec spec = tiny_spec("E");
  spec.policy = policy_named(policy);
  spec.policy.loss_scale.initial = scale;
  spec.model.width = 32;
  spec.train.steps = steps;
  spec.train.warmup_steps = 4;
  spec.train.learning_rate = 1e-3;
  spec.train.batch = spec.train.micro_batch = 2;
  spec.train.eval_examples = 2;
  return spec;
}

class Steps : public TrainingObserver {
 public:
  void on_step(const StepEvent& event) override { seen.push_back(event); }
  std::vector<StepEvent> seen;
};

LoopEnd run(Trainer& trainer, TrainingState& state, Steps& steps) {
  std::mutex mutex;
  return run_training(trainer, state, {{&steps}, [] { return false; }, mutex, [] {}});
}

// At a scale of 2^20 the gradient of a logit, about scale / 2, is beyond fp16; at 2^16 it is not.
TEST(Trainer, SkippedStepsCountForTheScheduleAndNotForTheOptimizer) {
  for (const char* policy : {"amp_fp16", "fp16_scaled"}) {
    const RunSpec spec = scaled_spec(policy, 0x1p20, 8);
    const TokenStore store(tiny_store(spec));
    Trainer trainer(spec, store, at::kCPU);
    TrainingState state;
    Steps steps;
    EXPECT_EQ(run(trainer, state, steps), LoopEnd::kCompleted);
    ASSERT_EQ(steps.seen.size(), 8u);
    const double rates[] = {2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3};
    double scale = 0x1p20;
    std::int64_t skips = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const StepEvent& event = steps.seen[i];
      EXPECT_DOUBLE_EQ(event.learning_rate, rates[i]) << policy << i;
      EXPECT_EQ(event.loss_scale, scale) << policy << i;  // the one in force in this step
      EXPECT_TRUE(std::isfinite(event.loss)) << policy << i;
      EXPECT_EQ(event.updates.elements == 0, event.skipped) << policy << i;
      if (event.skipped) {
        scale /= 2;
        ++skips;
      }
    }
    EXPECT_GT(skips, 0) << policy;
    EXPECT_LT(skips, 8) << policy;
    EXPECT_EQ(trainer.update().updates(), 8 - skips) << policy;
    EXPECT_FALSE(state.first_nonfinite) << policy;
  }
}

// A scale that 50 halvings leave above what fp16 holds.
TEST(Trainer, FiftySkipsInARowEndTheRun) {
  const RunSpec spec = scaled_spec("amp_fp16", 0x1p100, 60);
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  const std::string before = trainer.parameters().fingerprint();
  TrainingState state;
  Steps steps;
  EXPECT_EQ(run(trainer, state, steps), LoopEnd::kNonFinite);
  ASSERT_EQ(steps.seen.size(), 50u);
  for (const StepEvent& event : steps.seen)
    EXPECT_TRUE(event.skipped);
  ASSERT_TRUE(state.first_nonfinite);
  EXPECT_EQ(state.first_nonfinite->step, 49);
  // The logits' gradient, times a scale beyond fp16, is what overflows first.
  EXPECT_EQ(state.first_nonfinite->phase, Phase::kBackward);
  EXPECT_EQ(state.first_nonfinite->operation, "cross_entropy");
  EXPECT_EQ(state.first_nonfinite->tensor, trainer.parameters().all().front().name);
  EXPECT_EQ(trainer.parameters().fingerprint(), before);
  EXPECT_EQ(trainer.update().updates(), 0);
}

Trainer::Gradients skipped_step(Trainer& trainer, std::int64_t step) {
  Trainer::Gradients gradients = trainer.compute_gradients(step);
  EXPECT_TRUE(gradients.window.skipped);
  EXPECT_FALSE(gradients.nonfinite) << "an overflow that a scaler catches is none";
  return gradients;
}

// The bias that the tests below make infinite is first read there.
void expect_origin(const NonFiniteEvent& event, bool mixed) {
  EXPECT_EQ(event.phase, Phase::kForward);
  EXPECT_EQ(event.operation, mixed ? "cast" : "conv1d");
  EXPECT_EQ(event.module, "transformer.h.1.mlp.c_fc");
  EXPECT_EQ(event.layer, 1);
}

// A weight that is infinite makes every gradient NaN or infinite, whatever the scale.
TEST(Trainer, AScaleBelowOneEndsTheRun) {
  for (const char* policy : {"amp_fp16", "fp16_scaled"}) {
    const RunSpec spec = scaled_spec(policy, 2, 10);
    const TokenStore store(tiny_store(spec));
    Trainer trainer(spec, store, at::kCPU);
    trainer.parameters()
        .at("transformer.h.1.mlp.c_fc.bias")
        .value.detach()
        .fill_(std::numeric_limits<float>::infinity());
    Trainer::Gradients first = skipped_step(trainer, 0);
    EXPECT_FALSE(trainer.apply_gradients(first)) << policy;
    EXPECT_EQ(trainer.update().loss_scale(), 1) << "a scale of one is not below one";
    Trainer::Gradients second = skipped_step(trainer, 1);
    const auto ended = trainer.apply_gradients(second);
    ASSERT_TRUE(ended) << policy;
    EXPECT_EQ(ended->step, 1);
    EXPECT_EQ(ended->tensor, trainer.parameters().all().front().name);
    expect_origin(*ended, has_master_weights(spec.policy));
    EXPECT_EQ(trainer.update().loss_scale(), 0.5);
  }
}

// The same step of an unscaled policy is a divergence at once.
TEST(Trainer, WithoutAScalerTheFirstOverflowIsReported) {
  RunSpec spec = scaled_spec("amp_fp16_noscale", 1, 10);
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  trainer.parameters()
      .at("transformer.h.1.mlp.c_fc.bias")
      .value.detach()
      .fill_(std::numeric_limits<float>::infinity());
  const Trainer::Gradients gradients = trainer.compute_gradients(3);
  EXPECT_FALSE(gradients.window.skipped);
  EXPECT_FALSE(gradients.event.loss_scale);
  ASSERT_TRUE(gradients.nonfinite);
  EXPECT_EQ(gradients.nonfinite->step, 3);
  EXPECT_EQ(gradients.nonfinite->micro_step, 0);
  EXPECT_EQ(gradients.nonfinite->tensor, "loss");
  expect_origin(*gradients.nonfinite, /*mixed=*/true);
}

class RecordingReducer : public Reducer {
 public:
  Share share() const override { return {}; }
  void reduce(std::size_t index, const at::Tensor& gradient) override {
    EXPECT_TRUE(seen.emplace(index, gradient.clone()).second) << "reduced twice";
    order.push_back(index);
  }
  void finish(const at::Tensor&) override { ++finished; }
  std::optional<NonFiniteOrigin::Place> first_found(
      const std::optional<NonFiniteOrigin::Place>& mine) override {
    return mine;
  }

  std::map<std::size_t, at::Tensor> seen;
  std::vector<std::size_t> order;
  int finished = 0;
};

// Over two micro-batches: once a step, as whole as it will be, the parameters nearest to the loss
// first.
TEST(Trainer, AReducerSeesEachGradientOnceAndWhole) {
  RunSpec spec = scaled_spec("fp32_true", 1, 10);
  spec.train.micro_batch = 1;
  spec.train.clip_norm = 1e30;  // leaves the gradients as they are
  const TokenStore store(tiny_store(spec));
  RecordingReducer reducer;
  Trainer trainer(spec, store, at::kCPU, {}, &reducer);
  trainer.compute_gradients(0);
  const ParameterSet& parameters = trainer.parameters();
  ASSERT_EQ(reducer.seen.size(), parameters.all().size());
  EXPECT_EQ(reducer.finished, 1);
  for (const auto& [index, gradient] : reducer.seen)
    EXPECT_TRUE(at::equal(gradient, parameters.gradient(index))) << parameters.all()[index].name;
  EXPECT_EQ(parameters.all()[reducer.order.front()].name, "score.weight");
  EXPECT_EQ(parameters.all()[reducer.order.back()].name, "transformer.wte.weight");
}

}  // namespace
}  // namespace dtbench::testing
