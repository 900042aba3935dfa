#include "engine/ops/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "config/block_sizes.h"
#include "engine/numerics/scalar_type.h"
#include "engine/taped.h"

namespace dtbench {
namespace {

struct Inputs {
  at::Tensor query, key, value, mask, upstream;
};

Inputs inputs(at::ScalarType type, std::int64_t samples, std::int64_t heads, std::int64_t tokens) {
  at::manual_seed(4);
  const auto draw = [&] {
    return at::randn({samples, heads, tokens, 8}, at::kDouble).to(type).requires_grad_();
  };
  at::Tensor real = at::rand({samples, tokens}) < 0.8;
  real[0].fill_(false);  // a sample of padding alone
  return {draw(), draw(), draw(), ops::causal_mask(tokens, real, at::kCPU), draw().detach()};
}

// Output and the three gradients.
std::vector<at::Tensor> evaluate(const Inputs& in, std::int64_t block_bytes) {
  const at::Tensor out =
      testing::ops::attention_in_blocks(in.query, in.key, in.value, in.mask, block_bytes);
  std::vector<at::Tensor> all =
      torch::autograd::grad({out}, {in.query, in.key, in.value}, {in.upstream});
  all.push_back(out.detach());
  return all;
}

TEST(Attention, EqualsTorchsUnderAutograd) {
  const Inputs in = inputs(at::kDouble, 3, 2, 12);
  const at::Tensor scores = at::matmul(in.query, in.key.transpose(-1, -2)) / std::sqrt(8.0);
  // Added, as in Transformers, so that a row of padding alone passes its gradient on.
  const at::Tensor mask = at::zeros(in.mask.sizes(), at::kDouble)
                              .masked_fill(in.mask, std::numeric_limits<double>::lowest());
  const at::Tensor out = at::matmul(at::softmax(scores + mask, -1), in.value);
  const auto expected = torch::autograd::grad({out}, {in.query, in.key, in.value}, {in.upstream});
  const auto found = evaluate(in, kAttentionBlockBytes);
  EXPECT_TRUE(at::allclose(found[3], out, 1e-13, 1e-14));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(at::allclose(found[i], expected[i], 1e-12, 1e-13)) << i;
}

// Whole batch, single samples, single heads, rows of one head: 12 tokens in fp64 are 96 bytes a
// row.
TEST(Attention, BlocksOfAnySizeGiveTheSame) {
  const Inputs in = inputs(at::kDouble, 3, 2, 12);
  const auto whole = evaluate(in, kAttentionBlockBytes);
  for (const std::int64_t bytes : {2 * 12 * 96, 12 * 96, 5 * 96, 96, 1}) {
    const auto blocks = evaluate(in, bytes);
    for (std::size_t i = 0; i < whole.size(); ++i)
      EXPECT_TRUE(at::allclose(blocks[i], whole[i], 1e-13, 1e-14)) << bytes << ' ' << i;
  }
}

// In 16 bits rows are independent, so output and queries' gradients do not depend on blocks; keys'
// and values' gradients are summed in fp32 over blocks of rows and rounded once.
TEST(Attention, BlocksOfRowsRoundA16BitGradientOnce) {
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    const Inputs in = inputs(type, 2, 2, 12);
    const auto whole = evaluate(in, kAttentionBlockBytes), rows = evaluate(in, 5 * 48);
    EXPECT_TRUE(at::equal(rows[0], whole[0]));
    EXPECT_TRUE(at::equal(rows[3], whole[3]));
    for (const std::size_t i : {1, 2}) {
      // One rounding each, of fp32 sums in another order: at most one spacing apart.
      const at::Tensor bound = whole[i].to(at::kDouble).abs() * epsilon(dtype_of(type)) + 1e-6;
      EXPECT_TRUE(
          ((rows[i].to(at::kDouble) - whole[i].to(at::kDouble)).abs() <= bound).all().item<bool>());
      EXPECT_GT((rows[i] == whole[i]).to(at::kDouble).mean().item<double>(), 0.9);
    }
  }
}

TEST(Attention, ARowWithoutAllowedKeysIsUniform) {
  const at::Tensor mask = ops::causal_mask(3, at::zeros({1, 3}, at::kBool), at::kCPU);
  const at::Tensor query = at::randn({1, 1, 3, 4}), value = at::randn({1, 1, 3, 4});
  const at::Tensor out = testing::ops::attention(query, query, value, mask);
  EXPECT_TRUE(at::allclose(out, value.mean(2, true).expand({1, 1, 3, 4})));
}

TEST(Attention, NoTokenSeesTheFuture) {
  const at::Tensor mask = ops::causal_mask(5, {}, at::kCPU);
  const at::Tensor query = at::randn({1, 1, 5, 4}), value = at::randn({1, 1, 5, 4});
  at::Tensor changed = value.clone();
  changed.select(2, 4).fill_(1000.0);
  const at::Tensor before = testing::ops::attention(query, query, value, mask);
  const at::Tensor after = testing::ops::attention(query, query, changed, mask);
  EXPECT_TRUE(at::equal(before.narrow(2, 0, 4), after.narrow(2, 0, 4)));
  EXPECT_FALSE(at::equal(before.select(2, 4), after.select(2, 4)));
}

}  // namespace
}  // namespace dtbench
