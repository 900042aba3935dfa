// Cells whose cause of death is known because it was built in: each must be named and proved, and
// the same cell without the cause must have nothing to explain.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/forensics/explanation_json.h"
#include "engine/forensics/inquiry.h"
#include "engine/numerics/finite.h"
#include "engine/small_model.h"
#include "engine/train/checkpoint.h"

namespace dtbench::testing {
namespace {

RunSpec small_cell(const std::string& scenario, const std::string& policy) {
  RunSpec spec = tiny_spec(scenario);
  spec.policy = policy_named(policy);
  spec.train.learning_rate = 3e-3;
  spec.train.warmup_steps = 4;
  spec.train.steps = 40;
  spec.train.batch = spec.train.micro_batch = 4;
  spec.train.eval_examples = 2;
  return spec;
}

std::int64_t fatal_step(const RunSpec& spec, const ReplaySource& source) {
  const ReplayEnd end = replay(spec, source, spec.train.steps);
  EXPECT_TRUE(end.nonfinite) << "the cell was built to die";
  return end.steps - 1;
}

Explanation explain_cell(const RunSpec& spec, const ReplaySource& source,
                         std::int64_t replays = 2) {
  return inquire({spec, {}, fatal_step(spec, source), replays}, source);
}

void require_proved(const Explanation& found, Mechanism mechanism, const std::string& change) {
  ASSERT_FALSE(found.diagnoses.empty());
  EXPECT_EQ(to_string(found.diagnoses.front().mechanism), std::string(to_string(mechanism)))
      << found.diagnoses.front().text;
  EXPECT_EQ(found.proof.change, change);
  EXPECT_EQ(found.proof.unchanged_died, found.proof.replays);
  EXPECT_EQ(found.proof.change_survived, found.proof.replays);
  EXPECT_EQ(verdict_of(found), std::string("proved")) << to_json(found).at("proof").dump(1);
}

// Initial weights in a file, those of the cell's own draws with some of them scaled.
class ScaledWeights {
 public:
  ScaledWeights(const RunSpec& spec, const TokenStore& store, const std::string& part,
                double factor) {
    RunSpec exact = spec;
    exact.policy = policy_named("fp32_true");
    const Trainer trainer(exact, store, at::kCPU);
    NamedTensors weights;
    for (const Parameter& parameter : trainer.parameters().all())
      weights.emplace_back(parameter.name, parameter.name.find(part) == std::string::npos
                                               ? parameter.value
                                               : parameter.value * factor);
    save_tensors(file(), weights, {});
  }
  std::filesystem::path file() const { return directory_.path() / "model.safetensors"; }

 private:
  TemporaryDirectory directory_;
};

// The gradients that make the longest step are those whose squares v remembers better than m does:
// g_i ~ (b1 / b2)^(t - i). None makes a longer one.
TEST(Forensics, NoGradientsMakeExactAdamWStepFarther) {
  const double bound = longest_exact_step(0.9, 0.999);
  EXPECT_NEAR(bound, 7.27, 0.005);
  const auto step = [](const std::vector<double>& gradients) {
    double m = 0, v = 0, longest = 0;
    for (std::size_t t = 1; t <= gradients.size(); ++t) {
      const double g = gradients[t - 1];
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      const auto n = static_cast<double>(t);
      longest = std::max(
          longest, std::abs(m / (1 - std::pow(0.9, n))) / std::sqrt(v / (1 - std::pow(0.999, n))));
    }
    return longest;
  };
  std::vector<double> worst(20000, 0.0);
  for (std::size_t i = 0; i < 300; ++i)
    worst[worst.size() - 1 - i] = std::pow(0.9 / 0.999, static_cast<double>(i));
  EXPECT_LE(step(worst), bound);
  EXPECT_GT(step(worst), 0.999 * bound);
  EXPECT_LE(step({1, 0, 0, 0, 0, 0, 0, 0}), bound);
}

TEST(Forensics, ASecondMomentThatUnderflowsIsNamedAndItsRemedySurvives) {
  const RunSpec spec = small_cell("C", "fp16_naive");
  const TokenStore store(tiny_store(spec));
  const ReplaySource source{store, at::kCPU, {}};
  const Explanation found = explain_cell(spec, source);
  ASSERT_FALSE(found.diagnoses.empty());
  EXPECT_EQ(found.diagnoses.front().mechanism, Mechanism::kSecondMomentUnderflow)
      << found.diagnoses.front().text;
  // A course with such steps is chaotic: on another CPU a control or a replay may outlive
  // the window.
  EXPECT_EQ(found.proof.change, "states");
  EXPECT_GT(found.proof.unchanged_died, 0);
  EXPECT_EQ(found.proof.change_survived, found.proof.replays);
  EXPECT_LT(found.diagnoses.front().since_step, found.evidence.nonfinite->step);
}

TEST(Forensics, WithoutTheCauseThereIsNothingToExplain) {
  for (const char* policy : {"fp16_naive_fp32states", "bf16_pure", "fp32_true"}) {
    const RunSpec spec = small_cell("C", policy);
    const TokenStore store(tiny_store(spec));
    const Explanation found = inquire({spec, {}, 20, 2}, {store, at::kCPU, {}});
    EXPECT_EQ(verdict_of(found), std::string("vanished")) << policy;
    EXPECT_TRUE(found.diagnoses.empty()) << policy;
    for (const StepSignals& step : found.evidence.steps)
      EXPECT_LE(step.update->longest.rates, longest_exact_step(0.9, 0.999)) << policy;
  }
}

TEST(Forensics, AnEpsilonThatRoundsToZeroIsProved) {
  const RunSpec spec = small_cell("C", "fp16_naive_foreach");
  const TokenStore store(tiny_store(spec));
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kEpsilonUnderflow, "epsilon"));
}

TEST(Forensics, AnActivationThatOverflowsIsProved) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".mlp.", 3000);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kActivationOverflow, "range"));
  const Origin& origin = *found.evidence.origin;
  EXPECT_EQ(origin.operation, "conv1d");
  EXPECT_EQ(origin.module, "transformer.h.0.mlp.c_proj");
  ASSERT_TRUE(origin.exact);
  EXPECT_GT(std::abs(*origin.exact), 65504);
}

TEST(Forensics, ScoresThatOverflowAreProved) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".c_attn.weight", 5000);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kScoreOverflow, "range"));
  EXPECT_EQ(found.evidence.origin->operation, "attention");
}

TEST(Forensics, AScaledGradientThatOverflowsIsProved) {
  RunSpec spec = small_cell("E", "amp_fp16");
  spec.model.width = 32;
  spec.policy.loss_scale.initial = 0x1p100;
  spec.train.steps = 60;
  const TokenStore store(tiny_store(spec));
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}}, 1);
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kGradientOverflow, "small_scale"));
  EXPECT_EQ(found.evidence.nonfinite->step, 49);  // the fiftieth skip in a row
}

// Steps of the right length, but the weight's datatype ends before they do.
TEST(Forensics, AWeightThatOverflowsIsNotTakenForAMoment) {
  RunSpec spec = small_cell("C", "fp16_naive_fp32states");
  spec.train.learning_rate = 1e6;
  spec.train.warmup_steps = 0;
  const TokenStore store(tiny_store(spec));
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}}, 0);
  ASSERT_FALSE(found.diagnoses.empty());
  EXPECT_EQ(found.diagnoses.front().mechanism, Mechanism::kWeightOverflow)
      << found.diagnoses.front().text;
  EXPECT_EQ(verdict_of(found), std::string("diagnosed"));
}

// A change is tried only where it means something: reductions and loss scales are some tasks' and
// some policies' own.
TEST(Forensics, InterventionsFitTheCell) {
  const auto tried = [](const char* scenario, const char* policy) {
    std::vector<std::string> ids;
    for (const Intervention& intervention : interventions(small_cell(scenario, policy)))
      ids.push_back(intervention.id);
    return ids;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(tried("C", "fp16_naive"), (Ids{"epsilon", "states", "gradients", "rounding", "scale",
                                           "clipping", "reduction", "range", "rate", "fp32"}));
  EXPECT_EQ(tried("E", "amp_fp16"),
            (Ids{"epsilon", "small_scale", "clipping", "range", "rate", "fp32"}));
  EXPECT_EQ(tried("A", "fp32_true"), (Ids{"epsilon", "clipping", "rate"}));
}

TEST(Forensics, AReplayHasTheBitsOfTheRecord) {
  const RunSpec spec = small_cell("D", "bf16_pure");
  const TokenStore store(tiny_store(spec));
  const ReplaySource source{store, at::kCPU, {}};
  Replay plain(spec, source);
  std::vector<Json> lines;
  for (std::int64_t step = 0; step < 6; ++step) {
    plain.step();
    lines.push_back({{"loss", json_number(plain.event().loss)},
                     {"grad_norm", json_number(plain.event().grad_norm)}});
  }
  const Explanation same = inquire({spec, lines, 5, 0}, source);
  EXPECT_EQ(same.steps_equal, 6);
  EXPECT_EQ(same.differs, "");
  EXPECT_TRUE(same.step_repeats);
  lines[3]["loss"] = std::nextafter(lines[3].at("loss").get<double>(), 1e9);
  const Explanation other = inquire({spec, lines, 5, 0}, source);
  EXPECT_EQ(other.steps_equal, 3);
  EXPECT_TRUE(other.differs.starts_with("step 3: loss")) << other.differs;
}

// In the weights' own datatype, up and down; zeros stay.
TEST(Forensics, InitialWeightsMoveByOneUlp) {
  for (const char* policy : {"fp32_true", "bf16_pure", "fp16_naive"}) {
    const RunSpec spec = small_cell("C", policy);
    const TokenStore store(tiny_store(spec));
    const Replay plain(spec, {store, at::kCPU, {}});
    const Replay moved(spec, {store, at::kCPU, {}}, 1), other(spec, {store, at::kCPU, {}}, 2);
    std::int64_t up = 0, down = 0, differing = 0;
    for (const Parameter& parameter : plain.trainer().parameters().all()) {
      const auto bits = [&](const Replay& replay) {
        const at::Tensor x = replay.trainer().parameters().at(parameter.name).value;
        return x.view(x.element_size() == 2 ? at::kShort : at::kInt).to(at::kLong);
      };
      const at::Tensor zero = parameter.value == 0;
      const at::Tensor change = bits(moved) - bits(plain);
      EXPECT_TRUE(at::equal(change == 0, zero)) << policy << parameter.name;
      up += (change == 1).sum().item<std::int64_t>();
      down += (change == -1).sum().item<std::int64_t>();
      EXPECT_TRUE((change.abs() <= 1).all().item<bool>());
      differing += (bits(moved) != bits(other)).sum().item<std::int64_t>();
    }
    EXPECT_NEAR(static_cast<double>(up) / static_cast<double>(up + down), 0.5, 0.01) << policy;
    EXPECT_GT(differing, up / 2) << policy;
  }
}

}  // namespace
}  // namespace dtbench::testing
