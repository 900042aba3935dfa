// Clipping by global norm, in one step and in its parts.
#include "engine/optim/clip.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/optim/step_decision.h"
#include "engine/optim/stored_norm.h"

namespace dtbench {
namespace {

double norm_of(const std::vector<at::Tensor>& gradients) {
  return stored_norm(gradients).item<double>();
}

// As a step does where nothing is scaled.
double clip_by_global_norm(const std::vector<at::Tensor>& gradients, double max_norm) {
  const double norm = norm_of(gradients);
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

// 512 gradients of 30,000 have the norm 678,823, beyond fp16.
TEST(Clip, TheNormOfFp16GradientsIsFp32) {
  std::vector<at::Tensor> gradients = {at::full({512}, 30000.0, at::kHalf)};
  // Negative control: an fp16 norm is infinite, and its coefficient zeroes every gradient.
  const double in_fp16 = at::linalg_vector_norm(gradients[0]).item<double>();
  EXPECT_EQ(in_fp16, std::numeric_limits<double>::infinity());
  EXPECT_EQ(clip_coefficient(in_fp16, 1.0), 0.0);
  const double norm = clip_by_global_norm(gradients, 1.0);
  EXPECT_NEAR(norm, 30000.0 * std::sqrt(512.0), 1.0);
  EXPECT_EQ(gradients[0][0].item<float>(), 0x1.6ap-5f);  // 1 / sqrt(512) in fp16
}

TEST(Clip, AFiniteNormMeansFiniteGradientsAndANaNShowsInTheNorm) {
  std::vector<at::Tensor> gradients = {at::tensor({1.0f, std::nanf("")}), at::tensor({2.0f})};
  EXPECT_TRUE(std::isnan(clip_by_global_norm(gradients, 1.0)));
  EXPECT_EQ(gradients[1].item<float>(), 2.0f);
  gradients = {at::tensor({1.0f, std::numeric_limits<float>::infinity()})};
  EXPECT_FALSE(std::isfinite(clip_by_global_norm(gradients, 1.0)));
}

// What the sum of squares may be off, relatively: one rounding of each square, those of a lane's 64
// additions and of the tree over 64 lanes, u each. Halved by the root; and one more where the
// gradients' norm is stored.
constexpr double kNormBound = 71 * 0x1p-24 / 2;

double exact_norm(const std::vector<at::Tensor>& gradients) {
  double squares = 0;
  for (const at::Tensor& gradient : gradients)
    squares += gradient.to(at::kDouble).square().sum().item<double>();
  return std::sqrt(squares);
}

// The gradient of an embedding with a published vocabulary.
TEST(StoredNorm, IsFp64sForALargeTensor) {
  at::manual_seed(23);
  const int threads = at::get_num_threads();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const std::vector<at::Tensor> gradients = {at::randn({120, 50257}).to(type),
                                               at::randn({1}).to(type)};
    const double exact = exact_norm(gradients);
    at::set_num_threads(1);
    const double found = norm_of(gradients);
    EXPECT_NEAR(found, exact, kNormBound * exact) << c10::toString(type);
    // Negative control: torch's norm in fp32, whose running sums no longer move by small squares.
    const double running =
        at::linalg_vector_norm(gradients[0], 2, {}, false, at::kFloat).item<double>();
    EXPECT_GT(std::abs(running - exact), kNormBound * exact) << c10::toString(type);
    at::set_num_threads(2);
    EXPECT_EQ(norm_of(gradients), found) << "depends on the number of threads";
    at::set_num_threads(threads);
  }
}

TEST(StoredNorm, IsExactForWholeNumbersAtEveryLength) {
  for (const std::int64_t length : {0, 1, 63, 64, 65, 4095, 4096, 4097, 9000})
    for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
      const at::Tensor gradient = at::arange(length, at::kDouble).remainder(7).sub(3).to(type);
      EXPECT_EQ(norm_of({gradient}), exact_norm({gradient})) << length << c10::toString(type);
    }
}

TEST(StoredNorm, AnElementOfAnyBlockThatIsNotFiniteShows) {
  for (const std::int64_t at : {0, 4095, 4096, 8999}) {
    at::Tensor gradient = at::ones({9000});
    gradient[at] = std::numeric_limits<float>::infinity();
    EXPECT_EQ(norm_of({gradient}), std::numeric_limits<double>::infinity()) << at;
    gradient[at] = std::nanf("");
    EXPECT_TRUE(std::isnan(norm_of({gradient}))) << at;
  }
}

// Every fp16 number times a coefficient that fp16 does not hold.
TEST(Clip, The16BitProductIsRoundedOnce) {
  at::Tensor all = at::arange(-0x7c00, 0x7c00, at::kShort).view(at::kHalf);
  all = all.masked_select(all.isfinite()).contiguous();
  constexpr float kCoefficient = 0x1.555556p-2f;  // 1/3 in fp32
  const at::Tensor expected = (all.to(at::kFloat) * at::tensor({kCoefficient})).to(at::kHalf);
  const at::Tensor coefficient_rounded_too = all * at::tensor({kCoefficient}).to(at::kHalf);
  scale_gradients({all}, kCoefficient);
  EXPECT_TRUE(at::equal(all, expected));
  EXPECT_FALSE(at::equal(all, coefficient_rounded_too));
}

}  // namespace
}  // namespace dtbench
