// Masks depend on what they are for and on nothing else.
#include "engine/ops/dropout.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/judge.h"
#include "engine/taped.h"

namespace dtbench {
namespace {

constexpr DropoutContext kContext{0.1, 42, 7, 0};

at::Tensor mask(at::IntArrayRef shape, std::uint32_t site = 3, DropoutContext context = kContext) {
  return ops::dropout_mask(shape, site, context, at::kCPU);
}

TEST(Dropout, AnElementIsItsPhiloxWordAgainstTheThreshold) {
  const at::Tensor values = mask({2, 5, 10});
  for (std::uint32_t row = 0; row < 2; ++row)
    for (std::uint32_t token = 0; token < 5; ++token)
      for (std::uint32_t channel = 0; channel < 10; ++channel) {
        const PhiloxWords words =
            philox4x32_10({{7, row, token, channel / 4}}, {42, stream::kDropout + 3});
        const float expected = words.v[channel % 4] < 429496730u ? 0.0f : 1.0f / 0.9f;
        EXPECT_FLOAT_EQ(values[row][token][channel].item<float>(), expected);
      }
}

TEST(Dropout, MicroBatchSplitsDrawTheSame) {
  const at::Tensor whole = mask({4, 6, 12});
  for (std::int64_t first = 0; first < 4; first += 2) {
    DropoutContext context = kContext;
    context.first_sample = static_cast<std::uint32_t>(first);
    EXPECT_TRUE(at::equal(mask({2, 6, 12}, 3, context), whole.narrow(0, first, 2)));
  }
}

TEST(Dropout, PaddedLengthsDrawTheSame) {
  EXPECT_TRUE(at::equal(mask({4, 9, 12}).narrow(1, 0, 6), mask({4, 6, 12})));
}

TEST(Dropout, ThreadCountsDrawTheSame) {
  const int threads = at::get_num_threads();
  const at::Tensor with_all = mask({8, 64, 32});
  at::set_num_threads(1);
  const at::Tensor with_one = mask({8, 64, 32});
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(with_all, with_one));
}

// Negative control: everything that a draw is for changes it.
TEST(Dropout, SeedStepSampleAndSiteDrawDifferently) {
  const at::Tensor base = mask({4, 6, 12});
  EXPECT_FALSE(at::equal(base, mask({4, 6, 12}, 4)));
  EXPECT_FALSE(at::equal(base, mask({4, 6, 12}, 3, {0.1, 43, 7, 0})));
  EXPECT_FALSE(at::equal(base, mask({4, 6, 12}, 3, {0.1, 42, 8, 0})));
  EXPECT_FALSE(at::equal(base, mask({4, 6, 12}, 3, {0.1, 42, 7, 1})));
}

TEST(Dropout, DropsTheShareAskedForAndKeepsTheMean) {
  const at::Tensor values = mask({16, 64, 128});
  const auto n = static_cast<double>(values.numel());
  const double dropped = (values == 0).sum().item<double>() / n;
  EXPECT_NEAR(dropped, 0.1, 5 * std::sqrt(0.1 * 0.9 / n));  // five standard errors
}

TEST(Dropout, OffItReturnsItsInput) {
  const at::Tensor x = at::randn({2, 3, 4});
  EXPECT_TRUE(testing::ops::dropout(x, 0, {}).is_same(x));
}

TEST(Dropout, RoundsA16BitProductOnce) {
  const at::Tensor x = at::randn({2, 3, 40}).to(at::kBFloat16);
  const at::Tensor out = testing::ops::dropout(x, 3, kContext);
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  const at::Tensor expected = (x.to(at::kFloat) * mask({2, 3, 40})).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(out, expected));
  // Negative control: the factor rounded to bf16 first gives other values.
  EXPECT_FALSE(at::equal(out, x * mask({2, 3, 40}).to(at::kBFloat16)));
}

// The mask is drawn a second time in the backward pass: from the draws of its own forward pass,
// though others came between.
TEST(Dropout, BackwardUsesTheForwardPasssMask) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const at::Tensor x = testing::normal_leaf({2, 6, 40}, type);
    const at::Tensor upstream = testing::normal_leaf({2, 6, 40}, type).detach();
    DropoutContext later = kContext;
    later.step = 8;
    later.first_sample = 2;
    const at::Tensor first = testing::ops::dropout(x, 3, kContext),
                     second = testing::ops::dropout(x, 4, later);
    const auto wanted = [&](const at::Tensor& drawn) {
      const at::ScalarType inside = type == at::kDouble ? at::kDouble : at::kFloat;
      return (upstream.to(inside) * drawn).to(type);
    };
    const auto found = [&](const at::Tensor& y) { return testing::gradients(y, {x}, upstream)[0]; };
    EXPECT_TRUE(at::equal(found(first), wanted(mask({2, 6, 40})))) << type;
    EXPECT_TRUE(at::equal(found(second), wanted(mask({2, 6, 40}, 4, later)))) << type;
    EXPECT_TRUE(at::equal(found(first) == 0, first == 0)) << type;
    EXPECT_FALSE(at::equal(found(first), found(second)));
  }
}

}  // namespace
}  // namespace dtbench
