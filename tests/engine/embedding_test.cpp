// Rows by id, and gradients of a row summed in fp32.
#include "engine/ops/embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/judge.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

constexpr at::ScalarType kAll[] = {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble};

TEST(Embedding, TakesRowsAsTheyAre) {
  for (const at::ScalarType type : kAll) {
    const at::Tensor table = at::tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, at::kDouble).to(type);
    const at::Tensor ids = at::tensor({2, 0, 2, 1}, at::kLong).view({2, 2});
    const at::Tensor wanted = at::tensor({5.0, 6.0, 1.0, 2.0, 5.0, 6.0, 3.0, 4.0}, at::kDouble);
    EXPECT_TRUE(at::equal(ops::embedding(table.view({3, 2}), ids), wanted.to(type).view({2, 2, 2})))
        << type;
  }
}

// 512 gradients of 1/512 for one row.
TEST(Embedding, ARowsGradientIsSummedInFp32) {
  const at::Tensor ids = at::ones({512}, at::kLong);
  const at::Tensor upstream = at::full({512, 1}, 1.0 / 512, at::kBFloat16);
  const at::Tensor wanted = at::tensor({0.0f, 1.0f, 0.0f}).to(at::kBFloat16).view({3, 1});
  const at::Tensor table = at::zeros({3, 1}, at::kBFloat16).requires_grad_();
  EXPECT_TRUE(at::equal(gradients(ops::embedding(table, ids), {table}, upstream)[0], wanted));
  // Negative control: torch's CPU kernel adds in bf16, where 1/2 + 1/512 rounds back to 1/2.
  EXPECT_TRUE(at::equal(gradients(at::embedding(table, ids), {table}, upstream)[0], wanted * 0.5));
}

TEST(Embedding, ThePaddingRowIsReadAndGetsNoGradient) {
  for (const at::ScalarType type : kAll) {
    const at::Tensor table = at::ones({3, 2}, type).requires_grad_();
    const at::Tensor ids = at::tensor({1, 2, 1, 0}, at::kLong);
    const auto gradient = [&](std::int64_t padding) {
      const at::Tensor rows = ops::embedding(table, ids, padding);
      EXPECT_TRUE(at::equal(rows, at::ones({4, 2}, type)));
      return gradients(rows, {table}, at::ones({4, 2}, type))[0].select(1, 0);
    };
    EXPECT_TRUE(at::equal(gradient(1), at::tensor({1.0, 0.0, 1.0}, at::kDouble).to(type))) << type;
    // Negative control: without a padding row it gets its two.
    EXPECT_TRUE(at::equal(gradient(-1), at::tensor({1.0, 2.0, 1.0}, at::kDouble).to(type))) << type;
  }
}

// Ids as a causal model has them, [1, T], broadcast over samples by the addition that follows.
TEST(Embedding, BroadcastPositionsSumOverSamples) {
  const at::Tensor table = at::zeros({5, 2}, at::kBFloat16).requires_grad_();
  const at::Tensor rows = ops::embedding(table, at::arange(4, at::kLong).view({1, 4}));
  const at::Tensor x = at::zeros({600, 4, 2}, at::kBFloat16) + rows;
  const auto g = gradients(x, {table}, at::ones({600, 4, 2}, at::kBFloat16))[0];
  EXPECT_TRUE(at::equal(g.narrow(0, 0, 4), at::full({4, 2}, 600, at::kBFloat16))) << g;
  EXPECT_TRUE(at::equal(g[4], at::zeros({2}, at::kBFloat16)));
}

}  // namespace
}  // namespace dtbench::testing
