// The loss scale step by step; 5,000 scripted steps against torch's GradScaler are in tests/parity.
#include "engine/optim/loss_scaler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

namespace dtbench {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(LossScaler, BacksOffAtOnceAndGrowsAfterAnIntervalWithoutASkip) {
  LossScaler scaler({.initial = 1024, .growth_interval = 3});
  for (const bool skip : {false, false, true, false, false})
    scaler.update(skip);
  EXPECT_EQ(scaler.scale(), 512);  // two good steps, then the count began anew
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 1024);
}

TEST(LossScaler, CountsSkipsInARow) {
  LossScaler scaler({});
  scaler.update(true);
  scaler.update(true);
  EXPECT_EQ(scaler.skipped_in_a_row(), 2);
  scaler.update(false);
  EXPECT_EQ(scaler.skipped_in_a_row(), 0);
}

// A scale that cannot grow stays where it is; doubled, 2^127 would be infinite.
TEST(LossScaler, GrowthToInfinityIsRefused) {
  LossScaler scaler({.initial = 0x1p127, .growth_interval = 1});
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 0x1p127);
}

TEST(LossScaler, UnscalesByTheRoundedInverse) {
  const LossScaler scaler({.initial = 3});
  const std::vector<at::Tensor> gradients = {at::tensor({1.0f, 7.0f})};
  EXPECT_FALSE(scaler.unscale(gradients));
  EXPECT_EQ(scaler.inverse_scale(), 1.0f / 3.0f);
  EXPECT_EQ(gradients[0][1].item<float>(), 7.0f * (1.0f / 3.0f));
}

TEST(LossScaler, FindsANonFiniteGradientInAnyTensor) {
  const LossScaler scaler({});
  for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_TRUE(scaler.unscale({at::ones({5}), at::tensor({1.0f, bad})}));
    const at::Tensor halves = at::tensor({1.0f, bad}).to(at::kHalf);
    EXPECT_TRUE(LossScaler::any_nonfinite({at::ones({5}, at::kHalf), halves}));
  }
  EXPECT_FALSE(LossScaler::any_nonfinite({at::full({5}, 65504, at::kHalf)}));
}

// 2^-24, fp16's least number, is what is left of a gradient of 2^-40 at a scale of 2^16.
TEST(LossScaler, SixteenBitGradientsAreNotUnscaledInPlace) {
  const LossScaler scaler({});
  EXPECT_THROW(scaler.unscale({at::full({1}, 0x1p-24, at::kHalf)}), std::logic_error);
}

TEST(LossScaler, ItsStatesRestoreIt) {
  LossScaler scaler({.growth_interval = 4}), other({.growth_interval = 4});
  for (const bool skip : {true, false, false, false})
    scaler.update(skip);
  for (std::size_t i = 0; i < scaler.named_states().size(); ++i)
    other.named_states()[i].second.copy_(scaler.named_states()[i].second);
  scaler.update(false);
  other.update(false);
  EXPECT_EQ(other.scale(), 65536);
  EXPECT_EQ(other.scale(), scaler.scale());
}

}  // namespace
}  // namespace dtbench
