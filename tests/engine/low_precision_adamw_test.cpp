// How AdamW dies in 16 bits, and what helps: each number is a closed form or torch's own.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/philox.h"
#include "engine/one_parameter.h"

namespace dtbench::testing {
namespace {

constexpr auto kFused = OptimizerArithmetic::kFused;
constexpr auto kForeach = OptimizerArithmetic::kForeach;

at::Tensor ones(std::int64_t count, at::ScalarType type) {
  return at::ones({count}, type);
}

// One step from 1 at 1e-3. Rounded after every operation, 1e-8 is 0 and so are the second moments
// of gradients up to 1e-3.
TEST(Fp16, ForeachDividesByZeroAndFusedDoesNot) {
  const at::Tensor gradients = at::tensor({0.0f, 1e-4f, 1e-3f, 1.0f}).to(at::kHalf);
  OneParameter foreach (ones(4, at::kHalf), adamw_with(StateFormat::kFloat16, kForeach));
  foreach
    .step(gradients, 1e-3);
  const at::Tensor died = foreach.weight().to(at::kFloat);
  EXPECT_TRUE(std::isnan(died[0].item<float>()));
  EXPECT_EQ(died[1].item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(died[2].item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(died[3].item<float>(), 0x1.ff8p-1f);  // 0.99902

  OneParameter fused(ones(4, at::kHalf), adamw_with(StateFormat::kFloat16, kFused));
  fused.step(gradients, 1e-3);
  EXPECT_EQ(fused.weight()[0].item<float>(), 1.0f);
  // Every other one moves by the rate, or 0.9999 of it where the gradient is 1e-4.
  for (int i = 1; i < 4; ++i)
    EXPECT_EQ(fused.weight()[i].item<float>(), 0x1.ff8p-1f);
}

// (1 - beta2) g^2 is half of fp16's least number, 2^-24, at g = 5.46e-3.
TEST(Fp16, SecondMomentsOfSmallGradientsAreStoredAsZero) {
  OneParameter one(ones(2, at::kHalf), adamw_with(StateFormat::kFloat16, kFused));
  const UpdateCounts counts = one.step(at::tensor({5.4e-3f, 5.5e-3f}).to(at::kHalf), 1e-3);
  EXPECT_EQ(one.state("exp_avg_sq")[0].item<float>(), 0.0f);
  EXPECT_EQ(one.state("exp_avg_sq")[1].item<float>(), 0x1p-24f);
  EXPECT_EQ(counts.lost_v_updates, 1);
}

// With v always stored as 0, the step is rate x m / sqrt((1 - beta2) g^2 / (1 - beta2^t)) / (1 -
// beta1^t), which grows to rate / sqrt(1 - beta2) = 31.6 rates.
TEST(Fp16, AConstantSmallGradientTakesEverLargerSteps) {
  constexpr double kGradient = 1e-4, kRate = 1e-3;
  OneParameter one(ones(1, at::kFloat), adamw_with(StateFormat::kFloat16, kFused));
  double before = 1;
  for (int t = 1; t <= 2000; ++t) {
    before = one.weight().item<double>();
    one.step(kGradient, kRate);
  }
  const double step = before - one.weight().item<double>();
  const double expected = kRate / std::sqrt(0.001) * std::sqrt(1 - std::pow(0.999, 2000));
  // m stops growing where 0.1 (g - m) is half of fp16's spacing, 2^-24: 0.3 % below g.
  EXPECT_NEAR(step, expected, 0.01 * expected);
  EXPECT_GT(step, 29 * kRate);
}

// Half of bf16's spacing below 1 is 0.00195.
TEST(Bf16, AnUpdateBelowHalfASpacingDoesNothing) {
  for (const OptimizerArithmetic arithmetic : {kFused, kForeach}) {
    OneParameter one(ones(8, at::kBFloat16), adamw_with(StateFormat::kBFloat16, arithmetic));
    UpdateCounts counts;
    for (int t = 0; t < 100; ++t)
      counts += one.step(1.0, 1e-3);
    EXPECT_TRUE(at::equal(one.weight(), ones(8, at::kBFloat16)));
    EXPECT_EQ(counts.lost_weight_updates, 800);
  }
}

// 0.999 v rounds back to v.
TEST(Bf16, SecondMomentsDoNotDecay) {
  for (const OptimizerArithmetic arithmetic : {kFused, kForeach}) {
    OneParameter low(ones(1, at::kBFloat16), adamw_with(StateFormat::kBFloat16, arithmetic));
    OneParameter full(ones(1, at::kFloat), adamw_with(StateFormat::kFloat32, arithmetic));
    for (const OneParameter* one : {&low, &full})
      one->state("exp_avg_sq").fill_(0x1p-7);
    UpdateCounts lost, kept;
    for (int t = 0; t < 3000; ++t) {
      lost += low.step(0.0, 1e-3);
      kept += full.step(0.0, 1e-3);
    }
    EXPECT_EQ(low.state("exp_avg_sq").item<double>(), 0x1p-7);
    EXPECT_EQ(lost.lost_v_updates, 3000);
    EXPECT_NEAR(full.state("exp_avg_sq").item<double>(), 0x1p-7 * std::pow(0.999, 3000), 1e-6);
    EXPECT_EQ(kept.lost_v_updates, 0);
  }
}

// A first step of the whole rate, from 1: 0.256 of the way to the bf16 number below, 1 - 2^-8.
TEST(StochasticRounding, IsRightOnAverageWhereNearestStalls) {
  constexpr std::int64_t kCount = 1 << 18;
  OneParameter stochastic(ones(kCount, at::kBFloat16),
                          adamw_with(StateFormat::kBFloat16, kFused, UpdateRounding::kStochastic));
  stochastic.step(1.0, 1e-3);
  const double p = 1e-3 / 0x1p-8, sigma = 0x1p-8 * std::sqrt(p * (1 - p) / kCount);
  EXPECT_NEAR(stochastic.weight().to(at::kDouble).mean().item<double>(), 1 - 1e-3, 4 * sigma);
  EXPECT_EQ(std::get<0>(at::unique_consecutive(std::get<0>(stochastic.weight().sort()))).numel(),
            2);

  OneParameter nearest(ones(kCount, at::kBFloat16), adamw_with(StateFormat::kBFloat16, kFused));
  nearest.step(1.0, 1e-3);
  EXPECT_EQ(nearest.weight().to(at::kDouble).mean().item<double>(), 1.0);
}

// Over steps, too: each draws anew, and errors do not add up.
TEST(StochasticRounding, FollowsTheFp32CourseOnAverage) {
  constexpr std::int64_t kCount = 1 << 14;
  OneParameter stochastic(ones(kCount, at::kBFloat16),
                          adamw_with(StateFormat::kFloat32, kFused, UpdateRounding::kStochastic));
  OneParameter full(ones(1, at::kFloat), adamw_with(StateFormat::kFloat32, kFused));
  constexpr int kSteps = 100;
  for (int t = 0; t < kSteps; ++t) {
    stochastic.step(1.0, 1e-3);
    full.step(1.0, 1e-3);
  }
  // Each of the steps adds at most a quarter of a squared spacing to the variance.
  const double sigma = 0x1p-8 / 2 * std::sqrt(static_cast<double>(kSteps) / kCount);
  EXPECT_NEAR(stochastic.weight().to(at::kDouble).mean().item<double>(),
              full.weight().item<double>(), 4 * sigma);
}

// docs/adr/0003, literally.
TEST(StochasticRounding, ThresholdsAreTheDocumentedPhiloxBits) {
  constexpr std::uint32_t kSeed = 5, kStep = 9, kTensor = 77;
  constexpr float kValue = 1.0f + 0x1p-9f;  // a quarter of the way to the next bf16 number
  std::vector<float> values(43, kValue);
  std::vector<std::uint16_t> stored(values.size());
  constexpr std::int64_t kFirst = 8 * 1000;
  kernels::fp32_to_bf16_stochastic(values.data(), stored.data(), 43, kFirst,
                                   {{kSeed, stream::kStochasticRounding}, kStep, kTensor});
  int ups = 0;
  for (std::uint32_t i = 0; i < 43; ++i) {
    const std::uint32_t word =
        philox4x32_10({{kStep, 1000 + i / 8, 0, kTensor}}, {kSeed, 4}).v[i % 8 / 2];
    const std::uint32_t half = i % 2 == 0 ? word & 0xffffu : word >> 16;
    const bool up = half >= 0xc000u;
    EXPECT_EQ(stored[i], up ? 0x3f81 : 0x3f80) << i;
    ups += up ? 1 : 0;
  }
  EXPECT_GT(ups, 0);
  EXPECT_LT(ups, 43);
}

TEST(StochasticRounding, LeavesInfinitiesAndNaN) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float values[3] = {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
  std::uint16_t stored[3];
  kernels::fp32_to_bf16_stochastic(values, stored, 3, 0, {{0, 4}, 0, 0});
  EXPECT_EQ(stored[0], 0x7f80);
  EXPECT_EQ(stored[1], 0xff80);
  EXPECT_GT(stored[2] & 0x7fff, 0x7f80);
}

TEST(Kahan, StaysWithinASpacingOfTheFp32CourseWhereNearestStalls) {
  OneParameter kahan(ones(1, at::kBFloat16),
                     adamw_with(StateFormat::kFloat32, kFused, UpdateRounding::kKahan));
  OneParameter plain(ones(1, at::kBFloat16), adamw_with(StateFormat::kFloat32, kFused));
  OneParameter full(ones(1, at::kFloat), adamw_with(StateFormat::kFloat32, kFused));
  UpdateCounts counts;
  for (int t = 0; t < 400; ++t) {
    const double gradient = t < 300 ? 1.0 : -0.5;  // there and some of the way back
    counts += kahan.step(gradient, 1e-3);
    plain.step(gradient, 1e-3);
    full.step(gradient, 1e-3);
    ASSERT_NEAR(kahan.weight().item<double>(), full.weight().item<double>(), 0x1p-8) << t;
  }
  EXPECT_EQ(plain.weight().item<double>(), 1.0);
  EXPECT_LT(full.weight().item<double>(), 0.9);
  EXPECT_EQ(counts.lost_weight_updates, 0);  // the compensation has them
  EXPECT_EQ(kahan.state("compensation").scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace dtbench::testing
