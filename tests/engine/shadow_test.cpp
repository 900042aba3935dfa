// A run held against another, operation by operation: nothing is found where there is nothing, a
// planted error is found where it was planted, and rounding stays below its derived bounds.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/forensics/shadow.h"
#include "engine/small_cell.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

// Both sides of one scenario.
struct Pair {
  Pair(const std::string& scenario, const std::string& run, const std::string& other)
      : spec(small_cell(scenario, run)),
        store(tiny_store(spec)),
        shadow({spec, at::kCPU}, {small_cell(scenario, other), at::kCPU}, store, {}) {}

  RunSpec spec;
  TokenStore store;
  Shadow shadow;
};

std::string name_of(const RecordedNode& node) {
  return concat(to_string(node.phase), " ", node.operation, " of ", node.module);
}

std::vector<std::string> places_above(const ShadowStep& step) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < step.places.size(); ++i)
    if (step.places[i].above()) names.push_back(name_of(step.nodes[i]));
  return names;
}

// Multiplies the first result of one operation by a factor, as a faulty kernel might.
class Saboteur : public NodeObserver {
 public:
  Saboteur(Phase phase, std::string operation, std::string module, double factor)
      : phase_(phase),
        operation_(std::move(operation)),
        module_(std::move(module)),
        factor_(factor) {}

  void on_node(const Node& node, Phase phase, at::TensorList, at::TensorList out) override {
    if (phase != phase_ || node.operation != operation_ || node.module != module_) return;
    out[0].mul_(factor_);
  }

 private:
  Phase phase_;
  std::string operation_, module_;
  double factor_;
};

class AgainstItself : public ::testing::TestWithParam<const char*> {};

TEST_P(AgainstItself, NothingDiffersAnywhere) {
  Pair pair("A", GetParam(), GetParam());
  for (int i = 0; i < 2; ++i) {
    const ShadowStep step = pair.shadow.step();
    ASSERT_GT(step.places.size(), 80);
    for (std::size_t n = 0; n < step.places.size(); ++n) {
      if (step.nodes[n].is_cast) continue;
      EXPECT_EQ(step.places[n].error, 0.0) << name_of(step.nodes[n]);
      EXPECT_EQ(step.places[n].apart, 0.0) << name_of(step.nodes[n]);
    }
    EXPECT_EQ(step.run.loss, step.other.loss);
    EXPECT_EQ(step.drift, 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shadow, AgainstItself,
                         ::testing::Values("fp32_true", "bf16_pure", "amp_fp16"));

struct Planted {
  Phase phase;
  const char *operation, *module;
  double error = 1.0 / 1024;
};

class PlantedError : public ::testing::TestWithParam<Planted> {};

TEST_P(PlantedError, IsFoundWhereItWasPlantedAndNowhereElse) {
  const Planted& planted = GetParam();
  Pair pair("A", "fp32_true", "fp32_true");
  Saboteur saboteur(planted.phase, planted.operation, planted.module, 1 + planted.error);
  const ShadowStep step = pair.shadow.step(&saboteur);
  const std::string name =
      concat(to_string(planted.phase), " ", planted.operation, " of ", planted.module);
  EXPECT_EQ(places_above(step), std::vector<std::string>{name});
  for (std::size_t i = 0; i < step.places.size(); ++i)
    if (name_of(step.nodes[i]) == name) {
      EXPECT_NEAR(*step.places[i].error, planted.error, 1e-6);
    }
  EXPECT_GT(step.drift, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Shadow, PlantedError,
    ::testing::Values(Planted{Phase::kForward, "conv1d", "transformer.h.0.attn.c_attn"},
                      Planted{Phase::kForward, "layer_norm", "transformer.h.1.ln_2"},
                      Planted{Phase::kForward, "attention", "transformer.h.1.attn"},
                      Planted{Phase::kForward, "gelu", "transformer.h.0.mlp.act"},
                      Planted{Phase::kBackward, "conv1d", "transformer.h.1.mlp.c_proj"},
                      // Scores that are all alike have gradients that cancel; the bound knows.
                      Planted{Phase::kBackward, "attention", "transformer.h.0.attn", 0.125},
                      Planted{Phase::kBackward, "layer_norm", "transformer.h.0.ln_1"},
                      Planted{Phase::kBackward, "gelu", "transformer.h.1.mlp.act"}));

class Rounding16Bit : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(Rounding16Bit, StaysBelowItsBounds) {
  const auto& [scenario, policy] = GetParam();
  Pair pair(scenario, policy, "fp32_true");
  for (int i = 0; i < 2; ++i) {
    const ShadowStep step = pair.shadow.step();
    EXPECT_EQ(places_above(step), std::vector<std::string>{});
    double largest = 0;
    for (std::size_t n = 0; n < step.places.size(); ++n) {
      const ShadowPlace& place = step.places[n];
      if (!place.error) continue;
      ASSERT_TRUE(place.bound) << name_of(step.nodes[n]) << ": no bound is known";
      if (*place.error > 0) largest = std::max(largest, *place.error / *place.bound);
      if (step.nodes[n].phase != Phase::kBackward) {
        EXPECT_TRUE(std::isfinite(*place.bound));
      }
    }
    // The bounds say something: the nearest is rounding alone, which fills more than a third.
    EXPECT_GT(largest, 0.3);
    EXPECT_GT(step.drift, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shadow, Rounding16Bit,
                         ::testing::Combine(::testing::Values("A", "B", "C", "D", "E", "F"),
                                            ::testing::Values("amp_bf16", "bf16_pure")));

TEST(Shadow, AnErrorBeyondRoundingIsFoundUnderBf16) {
  Pair pair("A", "amp_bf16", "fp32_true");
  Saboteur saboteur(Phase::kForward, "conv1d", "transformer.h.1.mlp.c_fc", 1.5);
  EXPECT_EQ(places_above(pair.shadow.step(&saboteur)),
            std::vector<std::string>{"forward conv1d of transformer.h.1.mlp.c_fc"});
}

TEST(Shadow, ACellThatDiesShowsWhereItLeavesItsRangeBefore) {
  Pair pair("C", "fp16_naive", "fp32_true");
  std::int64_t first = -1;
  for (int i = 0; i < 40; ++i) {
    const ShadowStep step = pair.shadow.step();
    if (first < 0 && !places_above(step).empty()) {
      first = i;
      const auto above =
          std::ranges::find_if(step.places, [](const ShadowPlace& place) { return place.above(); });
      EXPECT_TRUE(above->flushed > 0 || above->nonfinite);
    }
    if (!step.run_nonfinite) continue;
    EXPECT_GE(first, 0);
    EXPECT_LT(first, i);
    return;
  }
  FAIL() << "the cell was built to die";
}

// The gradients of a scaled policy are held against the other's without the scale.
TEST(Shadow, ALossScaleIsNoDifference) {
  Pair pair("C", "amp_fp16", "fp32_true");
  const ShadowStep step = pair.shadow.step();
  EXPECT_EQ(places_above(step), std::vector<std::string>{});
  for (std::size_t n = 0; n < step.places.size(); ++n)
    if (step.places[n].apart) {
      EXPECT_LT(*step.places[n].apart, 0.1) << name_of(step.nodes[n]);
    }
}

TEST(Shadow, GoesOnFromTheRunsOwnStep) {
  Pair pair("A", "bf16_pure", "fp32_true");
  pair.shadow.go_to(3, {});
  const ShadowStep step = pair.shadow.step();
  Replay alone(pair.spec, {pair.store, at::kCPU, {}});
  for (int i = 0; i < 4; ++i)
    alone.step();
  EXPECT_EQ(step.run.step, 3);
  EXPECT_EQ(step.run.loss, alone.event().loss);
  // The same weights, so the losses differ by rounding alone.
  EXPECT_NEAR(step.other.loss, step.run.loss, 0.02 * step.run.loss);
}

TEST(Shadow, StatesInAnotherFormAreRefused) {
  Pair pair("A", "amp_bf16_8bit", "fp32_true");
  EXPECT_THROW(pair.shadow.go_to(2, {}), Error);
}

TEST(Shadow, OtherOperationsAreRefused) {
  RunSpec chain = small_cell("E", "fp32_true");
  chain.policy.loss = LossRule::kTransformers;
  const TokenStore store(tiny_store(chain));
  Shadow shadow({small_cell("E", "fp32_true"), at::kCPU}, {chain, at::kCPU}, store, {});
  EXPECT_THROW(shadow.step(), Error);
}

}  // namespace
}  // namespace dtbench::testing
