// The loss scale step by step; 5,000 scripted steps against torch's GradScaler are in tests/parity.
#include "engine/optim/loss_scaler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <vector>

namespace dtbench {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A scaler and its scalars, moved as if steps had overflowed or not.
struct Scaled {
  explicit Scaled(const DynamicLossScale& options) : scaler(options, scalars) {}

  void update(bool skipped) {
    scalars.begin({});
    scalars.at_hand()->skipped = skipped ? 1 : 0;
    end_update(*scalars.at_hand(), /*scaled=*/true, scaler.rule());
  }
  bool unscale(const std::vector<at::Tensor>& gradients) {
    scalars.begin({});
    scaler.unscale(gradients);
    return scalars.read().overflow != 0;
  }
  bool overflows(const std::vector<at::Tensor>& gradients) {
    scalars.begin({});
    scaler.find_overflow(gradients);
    return scalars.read().nonfinite_gradients != 0;
  }
  float scale() { return scalars.read().loss_scale; }

  DeviceScalars scalars{at::kCPU};
  LossScaler scaler;
};

TEST(LossScaler, BacksOffAtOnceAndGrowsAfterAnIntervalWithoutASkip) {
  Scaled scaled({.initial = 1024, .growth_interval = 3});
  for (const bool skip : {false, false, true, false, false})
    scaled.update(skip);
  EXPECT_EQ(scaled.scale(), 512);  // two good steps, then the count began anew
  scaled.update(false);
  EXPECT_EQ(scaled.scale(), 1024);
}

TEST(LossScaler, CountsSkipsInARow) {
  Scaled scaled({});
  scaled.update(true);
  scaled.update(true);
  EXPECT_EQ(scaled.scalars.read().skipped_in_a_row, 2);
  scaled.update(false);
  EXPECT_EQ(scaled.scalars.read().skipped_in_a_row, 0);
}

// A scale that cannot grow stays where it is; doubled, 2^127 would be infinite.
TEST(LossScaler, GrowthToInfinityIsRefused) {
  Scaled scaled({.initial = 0x1p127, .growth_interval = 1});
  scaled.update(false);
  EXPECT_EQ(scaled.scale(), 0x1p127);
}

TEST(LossScaler, UnscalesByTheRoundedInverse) {
  Scaled scaled({.initial = 3});
  const std::vector<at::Tensor> gradients = {at::tensor({1.0f, 7.0f})};
  EXPECT_FALSE(scaled.unscale(gradients));
  EXPECT_EQ(scaled.scalars.read().inverse_scale, 1.0f / 3.0f);
  EXPECT_EQ(gradients[0][1].item<float>(), 7.0f * (1.0f / 3.0f));
}

TEST(LossScaler, FindsANonFiniteGradientInAnyTensor) {
  Scaled scaled({});
  for (const float bad : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_TRUE(scaled.unscale({at::ones({5}), at::tensor({1.0f, bad})}));
    const at::Tensor halves = at::tensor({1.0f, bad}).to(at::kHalf);
    EXPECT_TRUE(scaled.overflows({at::ones({5}, at::kHalf), halves}));
  }
  EXPECT_FALSE(scaled.overflows({at::full({5}, 65504, at::kHalf)}));
}

// 2^-24, fp16's least number, is what is left of a gradient of 2^-40 at a scale of 2^16.
TEST(LossScaler, SixteenBitGradientsAreNotUnscaledInPlace) {
  Scaled scaled({});
  EXPECT_THROW(scaled.unscale({at::full({1}, 0x1p-24, at::kHalf)}), std::logic_error);
}

TEST(LossScaler, ItsStatesRestoreIt) {
  Scaled one({.growth_interval = 4}), other({.growth_interval = 4});
  for (const bool skip : {true, false, false, false})
    one.update(skip);
  for (std::size_t i = 0; i < one.scaler.named_states().size(); ++i)
    other.scaler.named_states()[i].second.copy_(one.scaler.named_states()[i].second);
  one.update(false);
  other.update(false);
  EXPECT_EQ(other.scale(), 65536);
  EXPECT_EQ(other.scale(), one.scale());
}

}  // namespace
}  // namespace dtbench
