// Both losses against torch's own operations under autograd, in fp64.
#include "engine/ops/cross_entropy.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "config/block_sizes.h"
#include "engine/ops/lm_head_loss.h"
#include "engine/taped.h"

namespace dtbench {
namespace {

at::Tensor gradient(const at::Tensor& loss, const at::Tensor& of) {
  return torch::autograd::grad({loss}, {of}, {at::ones_like(loss)}, /*retain_graph=*/true).front();
}

TEST(CrossEntropy, EqualsTorchsWithTheGlobalCount) {
  at::manual_seed(1);
  const at::Tensor logits = at::randn({6, 11}, at::kDouble).requires_grad_();
  const at::Tensor targets = at::randint(11, {6}, at::kLong);
  const at::Tensor expected =
      at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum) / 40.0;
  const at::Tensor loss = testing::ops::cross_entropy(logits, targets, {40.0, 1.0});
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-14);
  EXPECT_TRUE(at::allclose(gradient(loss, logits), gradient(expected, logits), 1e-13, 1e-15));
}

TEST(CrossEntropy, IgnoresWhatTorchIgnores) {
  at::manual_seed(3);
  const at::Tensor logits = at::randn({6, 11}, at::kDouble).requires_grad_();
  const at::Tensor targets = at::tensor({3, -100, 10, 0, -100, -100}, at::kLong);
  const at::Tensor expected =
      at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum, /*ignore_index=*/-100) / 3.0;
  const at::Tensor loss = testing::ops::cross_entropy(logits, targets, {3.0, 1.0});
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-14);
  const at::Tensor found = gradient(loss, logits);
  EXPECT_TRUE(at::allclose(found, gradient(expected, logits), 1e-13, 1e-15));
  for (const std::int64_t row : {1, 4, 5})
    EXPECT_EQ(found[row].abs().max().item<double>(), 0);
}

// At loss scale 65536 and N = 65536 the scaled gradient of an fp16 logit is of order one, while the
// unscaled one is below fp16's smallest number: rounding before scaling loses it.
TEST(CrossEntropy, ScalesBeforeTheOneRounding) {
  const at::Tensor logits = at::zeros({1, 4}, at::kHalf).requires_grad_();
  const at::Tensor targets = at::zeros({1}, at::kLong);
  const LossNormalizer normalizer{0x1p26, 0x1p26};
  const at::Tensor scaled =
      gradient(testing::ops::cross_entropy(logits, targets, normalizer), logits);
  EXPECT_TRUE(
      at::equal(scaled, at::tensor({-0.75f, 0.25f, 0.25f, 0.25f}).to(at::kHalf).view({1, 4})));
  // Negative control: the same with the scale applied after the rounding.
  const at::Tensor late =
      gradient(testing::ops::cross_entropy(logits, targets, {0x1p26, 1.0}), logits) * 0x1p26;
  EXPECT_EQ(late.abs().max().item<float>(), 0.0f);
}

TEST(CrossEntropy, LossOfFp16LogitsIsComputedInFp32) {
  // 32,768 rows of loss ln 2: the sum 22,713 is within fp16, but additions in fp16 stall at 2,048.
  const at::Tensor logits = at::zeros({32768, 2}, at::kHalf);
  const at::Tensor targets = at::zeros({32768}, at::kLong);
  const double loss = testing::ops::cross_entropy(logits, targets, {32768.0, 1.0}).item<double>();
  EXPECT_NEAR(loss, std::log(2.0), 1e-7);
}

struct HeadCase {
  at::Tensor hidden, weight, targets;
};

HeadCase head_case(std::int64_t tokens, std::int64_t vocabulary, at::ScalarType type) {
  at::manual_seed(2);
  return {at::randn({tokens, 8}, at::kDouble).to(type).requires_grad_(),
          at::randn({vocabulary, 8}, at::kDouble).to(type).requires_grad_(),
          at::randint(vocabulary, {tokens}, at::kLong)};
}

TEST(LmHeadLoss, EqualsTheUnchunkedHeadAndLoss) {
  // Several chunks and a short last one.
  const std::int64_t vocabulary = 600000, rows = 29;
  ASSERT_EQ(lm_head_chunk(rows, vocabulary, sizeof(double), kLmHeadBytes), 10);
  const HeadCase c = head_case(rows, vocabulary, at::kDouble);
  const double count = static_cast<double>(c.hidden.size(0));
  const at::Tensor expected =
      at::cross_entropy_loss(at::linear(c.hidden, c.weight), c.targets, {}, at::Reduction::Sum) /
      count;
  const at::Tensor loss =
      testing::ops::lm_head_loss(c.hidden, c.weight, {}, c.targets, {count, 1.0}, {});
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-12 * expected.item<double>());
  const auto gradients = [&](const at::Tensor& root) {
    return torch::autograd::grad({root}, {c.hidden, c.weight}, {at::ones_like(root)});
  };
  const auto found = gradients(loss), wanted = gradients(expected);
  EXPECT_TRUE(at::allclose(found[0], wanted[0], 1e-10, 1e-14));
  EXPECT_TRUE(at::allclose(found[1], wanted[1], 1e-10, 1e-14));
}

TEST(LmHeadLoss, AChunkKeepsItsLogitsWithin64MiB) {
  EXPECT_EQ(lm_head_chunk(333, 50257, 4, kLmHeadBytes), 333);
  EXPECT_EQ(lm_head_chunk(334, 50257, 4, kLmHeadBytes), 167);
  EXPECT_EQ(lm_head_chunk(508, 50257, 4, kLmHeadBytes), 254);
  EXPECT_EQ(lm_head_chunk(667, 50257, 4, kLmHeadBytes), 223);  // three chunks, the last of 221
  EXPECT_EQ(lm_head_chunk(0, 50257, 4, kLmHeadBytes), 1);
  EXPECT_EQ(lm_head_chunk(5, 1 << 30, 4, kLmHeadBytes), 1);
}

TEST(LmHeadLoss, WithoutGradientsItIsTheLossAlone) {
  const HeadCase c = head_case(5, 7, at::kFloat);
  const c10::NoGradGuard no_grad;
  const at::Tensor loss =
      testing::ops::lm_head_loss(c.hidden, c.weight, {}, c.targets, {1.0, 1.0}, {});
  EXPECT_FALSE(loss.requires_grad());
  EXPECT_EQ(loss.scalar_type(), at::kDouble);
}

}  // namespace
}  // namespace dtbench
