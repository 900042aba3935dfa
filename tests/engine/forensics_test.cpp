// Cells whose cause of death is known because it was built in: each must be named and proved, and
// the same cell without the cause must have nothing to explain.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/text.h"
#include "engine/forensics/explanation_json.h"
#include "engine/forensics/inquiry.h"
#include "engine/numerics/finite.h"
#include "engine/small_cell.h"
#include "engine/small_model.h"
#include "engine/train/checkpoint.h"

namespace dtbench::testing {
namespace {

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

const Trial& trial_of(const Explanation& found, const std::string& id) {
  const auto trial = std::ranges::find_if(
      found.trials, [&](const Trial& one) { return one.intervention.id == id; });
  if (trial == found.trials.end()) throw std::logic_error("no trial is called " + id);
  return *trial;
}

// Whether the change kept the cell alive, and its role.
using Told = std::pair<bool, Role>;
Told told(const Explanation& found, const std::string& id, Mechanism mechanism) {
  const Trial& trial = trial_of(found, id);
  return {trial.end.survived(), role_of(trial.intervention, mechanism)};
}

// In every layer: no exception smaller than all of them saves the cell.
TEST(Forensics, AnActivationThatOverflowsIsProved) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".mlp.", 3000);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kActivationOverflow, "trunk"));
  const Origin& origin = *found.evidence.origin;
  EXPECT_EQ(origin.operation, "conv1d");
  EXPECT_EQ(origin.module, "transformer.h.0.mlp.c_proj");
  ASSERT_TRUE(origin.exact);
  EXPECT_GT(std::abs(*origin.exact), 65504);
  EXPECT_EQ(told(found, "layer", Mechanism::kActivationOverflow), Told(false, Role::kRemedy));
  EXPECT_EQ(told(found, "range", Mechanism::kActivationOverflow), Told(true, Role::kRemedy));
}

// In one layer: that layer in fp32 is the smallest change that saves it, and another's is a
// control.
TEST(Forensics, AnOverflowInOneLayerIsProvedByThatLayerInFp32) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".h.1.mlp.", 3000);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  constexpr auto kOverflow = Mechanism::kActivationOverflow;
  ASSERT_NO_FATAL_FAILURE(require_proved(found, kOverflow, "layer"));
  EXPECT_EQ(trial_of(found, "layer").intervention.change, "layer 1 in fp32");
  EXPECT_EQ(trial_of(found, "layer").intervention.spec.policy.exceptions.front().module,
            "transformer.h.1");
  EXPECT_EQ(told(found, "other_layer", kOverflow), Told(false, Role::kControl));
  EXPECT_EQ(told(found, "attention", kOverflow), Told(false, Role::kControl));
  EXPECT_EQ(told(found, "logits", kOverflow), Told(false, Role::kControl));
  EXPECT_EQ(told(found, "trunk", kOverflow), Told(true, Role::kRemedy));
}

// A mean over documents and labels: its gradients stay in fp16's range on their way down, which
// those of one label a document would leave.
TEST(Forensics, LogitsThatOverflowAreProvedByLogitsInFp32) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, "score.weight", 3e5);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kActivationOverflow, "logits"));
  EXPECT_EQ(found.evidence.origin->module, "score");
  EXPECT_EQ(told(found, "trunk", Mechanism::kActivationOverflow), Told(false, Role::kControl));
}

// Built into layer 0: in fp32 there the cell lives, and in fp32 anywhere else it dies as before.
TEST(Forensics, AnOverflowIsSurvivedByTheExceptionOnItsLayerAlone) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".h.0.mlp.", 3000);
  spec.model.init = weights.file().string();
  const auto end_with = [&](std::vector<PolicyException> exceptions) {
    RunSpec changed = spec;
    changed.policy.exceptions = std::move(exceptions);
    return replay(changed, {store, at::kCPU, {}}, 10);
  };
  EXPECT_TRUE(end_with({}).nonfinite);
  EXPECT_TRUE(end_with({{"transformer.h.0"}}).survived());
  EXPECT_TRUE(end_with({{"transformer.h.1"}}).nonfinite);
  EXPECT_TRUE(end_with({{"transformer.h.0.attn"}, {"transformer.h.0.ln_2"}}).nonfinite);
}

TEST(Forensics, ScoresThatOverflowAreProved) {
  RunSpec spec = small_cell("C", "amp_fp16_noscale");
  const TokenStore store(tiny_store(spec));
  const ScaledWeights weights(spec, store, ".c_attn.weight", 5000);
  spec.model.init = weights.file().string();
  const Explanation found = explain_cell(spec, {store, at::kCPU, {}});
  ASSERT_NO_FATAL_FAILURE(require_proved(found, Mechanism::kScoreOverflow, "attentions"));
  EXPECT_EQ(found.evidence.origin->operation, "attention");
  EXPECT_EQ(told(found, "attention", Mechanism::kScoreOverflow), Told(false, Role::kRemedy));
  EXPECT_EQ(told(found, "logits", Mechanism::kScoreOverflow), Told(false, Role::kControl));
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
// some policies' own, exceptions widen what is narrow, and which layer is tried says the origin.
TEST(Forensics, InterventionsFitTheCell) {
  const auto tried = [](const char* scenario, const char* policy, std::int64_t layer = -1) {
    const ModulePlaces places{{"h.0", "h.1"}, {"h.0.attn", "h.1.attn"}, "h", "score"};
    std::optional<Origin> origin;
    if (layer >= 0) {
      origin.emplace();
      origin->module = "h.1.mlp";
      origin->layer = layer;
    }
    std::vector<std::string> ids;
    for (const Intervention& intervention :
         interventions(small_cell(scenario, policy), places, origin))
      ids.push_back(intervention.id);
    return ids;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(
      tried("C", "fp16_naive", 1),
      (Ids{"epsilon", "states", "gradients", "rounding", "scale", "clipping", "reduction", "logits",
           "attention", "layer", "other_layer", "attentions", "trunk", "range", "rate", "fp32"}));
  EXPECT_EQ(tried("E", "amp_fp16"), (Ids{"epsilon", "small_scale", "clipping", "logits",
                                         "attentions", "trunk", "range", "rate", "fp32"}));
  EXPECT_EQ(tried("A", "fp32_true", 1), (Ids{"epsilon", "clipping", "rate"}));
}

TEST(Forensics, PlacesAreThoseOfTheModel) {
  for (const auto& [scenario, layer, attention, trunk, head] :
       {std::tuple{"A", "transformer.h.", ".attn", "transformer", "lm_head"},
        std::tuple{"C", "transformer.h.", ".attn", "transformer", "score"},
        std::tuple{"B", "roberta.encoder.layer.", ".attention.self", "roberta", "lm_head.decoder"},
        std::tuple{"F", "roberta.encoder.layer.", ".attention.self", "roberta",
                   "classifier.out_proj"}}) {
    const RunSpec spec = small_cell(scenario, "fp16_naive");
    const TokenStore store(tiny_store(spec));
    const ModulePlaces places = module_places(Trainer(spec, store, at::kCPU));
    using Names = std::vector<std::string>;
    const std::string first = concat(layer, 0), second = concat(layer, 1);
    EXPECT_EQ(places.layers, (Names{first, second}));
    EXPECT_EQ(places.attentions, (Names{first + attention, second + attention}));
    EXPECT_EQ(places.trunk, trunk);
    EXPECT_EQ(places.head, head);
  }
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
