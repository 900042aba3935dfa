// Binary cross-entropy: closed forms, and where its gradients are lost in fp16.
#include "engine/ops/binary_cross_entropy.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/judge.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

at::Tensor gradient(const at::Tensor& loss, const at::Tensor& logits) {
  return gradients(loss, {logits}, at::ones_like(loss))[0];
}

at::Tensor multi_hot(at::IntArrayRef shape) {
  at::manual_seed(1);
  return at::rand(shape).lt(0.2).to(at::kFloat);
}

TEST(BinaryCrossEntropy, EqualsTheClosedFormInFp64) {
  const std::vector<double> logits{-3, -0.5, 0, 0.25, 2, 7}, targets{0, 1, 1, 0, 1, 0};
  double loss = 0;
  at::Tensor wanted = at::empty({2, 3}, at::kDouble);
  for (std::size_t i = 0; i < 6; ++i) {
    loss += std::log(1 + std::exp(logits[i])) - targets[i] * logits[i];
    wanted.view({6})[static_cast<std::int64_t>(i)] =
        (1 / (1 + std::exp(-logits[i])) - targets[i]) * 8 / 24.0;
  }
  const at::Tensor x = at::tensor(logits, at::kDouble).view({2, 3}).requires_grad_();
  const at::Tensor found = ops::binary_cross_entropy(
      x, at::tensor(targets, at::kDouble).to(at::kFloat).view({2, 3}), {24.0, 8.0});
  EXPECT_EQ(found.scalar_type(), at::kDouble);
  EXPECT_NEAR(found.item<double>(), loss / 24, 1e-15);  // the scale is the gradient's alone
  EXPECT_TRUE(at::allclose(gradient(found, x), wanted, 1e-14, 1e-16));
}

// Sum over 16 x 4,096 labels in fp32 of logits that are 16 bits, one rounding of the gradient.
TEST(BinaryCrossEntropy, RoundsTheGradientOnce) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const at::Tensor targets = multi_hot({16, 500});
    const at::Tensor x = normal_leaf({16, 500}, type);
    const at::Tensor loss = ops::binary_cross_entropy(x, targets, {8000.0, 4096.0});
    const at::Tensor wide = exact(x), truth = exact(targets);
    const double wanted = (at::softplus(wide) - truth * wide).sum().item<double>() / 8000.0;
    EXPECT_NEAR(loss.item<double>(), wanted, 4 * 0x1p-24 * wanted) << type;
    const at::Tensor slope = (wide.sigmoid() - truth) * (4096.0 / 8000.0);
    // Inside: sigmoid, difference and product in fp32, of numbers up to 1.
    EXPECT_TRUE(
        within(gradient(loss, x), slope, reduction_bound(slope.abs(), type, 1) + 4 * 0x1p-24))
        << type;
  }
}

// The mean over 16 documents x 4,096 labels. At a logit of -6 a true gradient is sigmoid(-6) /
// 65,536 = 3.773e-8, above half of fp16's smallest number, 2^-24 = 5.96e-8, which it becomes; at
// -6.25 it is 2.94e-8, below half, and becomes 0. A scale of 2^16 keeps both.
TEST(BinaryCrossEntropy, MeanOverManyLabelsIsAtFp16sEnd) {
  const at::Tensor targets = at::zeros({16, 4096});
  const auto found = [&](double logit, double scale, at::ScalarType type) {
    const at::Tensor x = at::full({16, 4096}, logit, type).requires_grad_();
    const at::Tensor g = gradient(ops::binary_cross_entropy(x, targets, {16 * 4096.0, scale}), x);
    EXPECT_EQ((g.max() - g.min()).item<double>(), 0);
    return g[0][0].item<double>();
  };
  EXPECT_EQ(found(-6, 1, at::kHalf), 0x1p-24);
  EXPECT_EQ(found(-6.25, 1, at::kHalf), 0);
  EXPECT_NEAR(found(-6, 65536, at::kHalf), 2.4726e-3, 0x1p-11 * 2.4726e-3);
  EXPECT_NEAR(found(-6.25, 65536, at::kHalf), 1.9267e-3, 0x1p-11 * 1.9267e-3);
  // bf16 has fp32's exponents and needs no scale.
  EXPECT_NEAR(found(-6.25, 1, at::kBFloat16), 2.9399e-8, 0x1p-8 * 2.9399e-8);
}

TEST(BinaryCrossEntropy, NeitherLossNorGradientOverflowsFarOut) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    // 9,984 is the bf16 number nearest to 1e4.
    const at::Tensor x = at::tensor({-9984.0, -9984.0, 9984.0, 9984.0}, at::kDouble)
                             .to(type)
                             .view({1, 4})
                             .requires_grad_();
    const at::Tensor targets = at::tensor({0.0f, 1.0f, 0.0f, 1.0f}).view({1, 4});
    const at::Tensor loss = ops::binary_cross_entropy(x, targets, {4.0, 1.0});
    EXPECT_EQ(loss.item<double>(), 2 * 9984.0 / 4);
    EXPECT_TRUE(at::equal(exact(gradient(loss, x)),
                          at::tensor({0.0, -0.25, 0.25, 0.0}, at::kDouble).view({1, 4})))
        << type;
  }
}

}  // namespace
}  // namespace dtbench::testing
