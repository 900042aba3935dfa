// AdamW and clipping against closed forms; bit-exact parity with torch is in tests/parity.
#include "engine/optim/adamw.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/optim/clip.h"

namespace dtbench {
namespace {

TEST(AdamW, TheFirstStepMovesByTheRateAgainstTheGradientsSign) {
  ParameterSet parameters(at::kDouble, 0);
  const at::Tensor weight = parameters.create("w", {2}, kOnes, ParameterKind::kMatrix);
  const at::Tensor bias = parameters.create("b", {2}, kOnes, ParameterKind::kVector);
  weight.mutable_grad() = at::tensor({3.0, -0.25}, at::kDouble);
  bias.mutable_grad() = at::tensor({3.0, -0.25}, at::kDouble);
  AdamW optimizer(parameters, {0.9, 0.999, 1e-8, 0.01, StateFormat::kFloat64, StateFormat::kFloat64,
                               OptimizerArithmetic::kFused, UpdateRounding::kNearest, 0});
  optimizer.step(0.1, 1.0, 0);
  // m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|, so the step is 0.1 sign(g); decay takes
  // 0.1 x 0.01 of the weight first, of the weight alone.
  EXPECT_NEAR(bias[0].item<double>(), 1 - 0.1, 1e-8);
  EXPECT_NEAR(bias[1].item<double>(), 1 + 0.1, 1e-8);
  EXPECT_NEAR(weight[0].item<double>(), 0.999 - 0.1, 1e-8);
  EXPECT_NEAR(weight[1].item<double>(), 0.999 + 0.1, 1e-8);
  EXPECT_EQ(optimizer.updates(), 1);
  EXPECT_EQ(optimizer.state_bytes(), 2 * 4 * 8);
}

// As a step does.
double clip_by_global_norm(const std::vector<at::Tensor>& gradients, double max_norm) {
  const double norm = global_norm(gradients);
  scale_gradients(gradients, clip_coefficient(norm, max_norm));
  return norm;
}

TEST(Clip, ScalesToTheNormAndReturnsTheNormBefore) {
  std::vector<at::Tensor> gradients = {at::tensor({3.0f}), at::tensor({0.0f, 4.0f})};
  EXPECT_FLOAT_EQ(static_cast<float>(clip_by_global_norm(gradients, 1.0)), 5.0f);
  EXPECT_NEAR(gradients[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(gradients[1][1].item<float>(), 0.8, 1e-6);
}

TEST(Clip, LeavesSmallGradientsBitForBit) {
  std::vector<at::Tensor> gradients = {at::tensor({0.3f, 0.1f})};
  const at::Tensor before = gradients[0].clone();
  clip_by_global_norm(gradients, 1.0);
  EXPECT_TRUE(at::equal(gradients[0], before));
}

// 512 gradients of 30,000: the norm 678,823 is beyond fp16, and an fp16 norm would be infinite and
// zero all gradients.
TEST(Clip, TheNormOfFp16GradientsIsFp32) {
  std::vector<at::Tensor> gradients = {at::full({512}, 30000.0, at::kHalf)};
  const double norm = clip_by_global_norm(gradients, 1.0);
  EXPECT_NEAR(norm, 30000.0 * std::sqrt(512.0), 1.0);
  EXPECT_GT(gradients[0][0].item<float>(), 0.0f);
}

TEST(Clip, AFiniteNormMeansFiniteGradientsAndANaNShowsInTheNorm) {
  std::vector<at::Tensor> gradients = {at::tensor({1.0f, std::nanf("")}), at::tensor({2.0f})};
  EXPECT_TRUE(std::isnan(clip_by_global_norm(gradients, 1.0)));
  gradients = {at::tensor({1.0f, std::numeric_limits<float>::infinity()})};
  EXPECT_FALSE(std::isfinite(clip_by_global_norm(gradients, 1.0)));
}

}  // namespace
}  // namespace dtbench
