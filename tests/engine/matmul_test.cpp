// Operands of one datatype, accumulation in fp32, one rounding: forward, both gradients and bias.
#include "engine/ops/matmul.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/judge.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

constexpr at::ScalarType k16Bit[] = {at::kHalf, at::kBFloat16};

struct Affine {
  at::Tensor x, weight, bias, upstream;

  std::vector<at::Tensor> leaves() const { return {x, weight, bias}; }
};

// y and the gradients of x, weight and bias.
std::vector<at::Tensor> evaluate(const Affine& in, const ComputeRules& rules) {
  const at::Tensor y = ops::conv1d(in.x, in.weight, in.bias, rules);
  std::vector<at::Tensor> all = gradients(y, in.leaves(), in.upstream);
  all.insert(all.begin(), y.detach());
  return all;
}

std::vector<at::Tensor> closed_form(const Affine& in) {
  const at::Tensor x = exact(in.x), weight = exact(in.weight), dy = exact(in.upstream);
  return {at::matmul(x, weight) + exact(in.bias), at::matmul(dy, weight.t()), at::matmul(x.t(), dy),
          dy.sum(0)};
}

// 96 rows of 320 integers up to 15: sums of products reach thousands, where fp16 has every 4th and
// bf16 every 32nd integer, and stay below 2^24, so fp32 sums are exact in any order.
Affine integers(at::ScalarType type) {
  at::manual_seed(1);
  return {integer_leaf({96, 320}, 15, type), integer_leaf({320, 48}, 15, type),
          integer_leaf({48}, 15, type), integer_leaf({96, 48}, 15, type).detach()};
}

TEST(Matmul, RoundsTheFp32SumOnceInEveryDirection) {
  for (const at::ScalarType type : k16Bit) {
    const Affine in = integers(type);
    const auto found = evaluate(in, {.compute = type}), wanted = closed_form(in);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].scalar_type(), type);
      EXPECT_TRUE(at::equal(found[i], wanted[i].to(type))) << type << ", result " << i;
    }
  }
}

// Negative control: the same sums in two halves, each rounded, and a bias that comes after the
// rounding, give other numbers.
TEST(Matmul, ASecondRoundingShows) {
  for (const at::ScalarType type : k16Bit) {
    const Affine in = integers(type);
    const at::Tensor once = ops::conv1d(in.x, in.weight, in.bias, {.compute = type});
    const auto half = [&](std::int64_t first) {
      return ops::rounded_matmul(in.x.narrow(1, first, 160), in.weight.narrow(0, first, 160));
    };
    EXPECT_FALSE(at::equal(half(0) + half(160) + in.bias, once)) << type;
    EXPECT_FALSE(at::equal(ops::rounded_matmul(in.x, in.weight) + in.bias, once)) << type;
  }
}

TEST(Matmul, StaysWithinTheBoundOfFp32Accumulation) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat}) {
    at::manual_seed(2);
    const Affine in{normal_leaf({40, 200}, type), normal_leaf({200, 24}, type),
                    normal_leaf({24}, type), normal_leaf({40, 24}, type).detach()};
    const Affine magnitudes{in.x.abs(), in.weight.abs(), in.bias.abs(), in.upstream.abs()};
    const auto found = evaluate(in, {.compute = type}), wanted = closed_form(in);
    const auto magnitude = closed_form(magnitudes);
    const double lengths[] = {201, 24, 40, 40};
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(within(found[i], wanted[i], reduction_bound(magnitude[i], type, lengths[i])))
          << type << ", result " << i;
  }
}

// 4,096 rows whose gradient is 1: additions in fp16 would stop at 2,048, in bf16 at 256.
TEST(Matmul, TheBiasGradientIsSummedInFp32) {
  for (const at::ScalarType type : k16Bit) {
    const Affine in{at::zeros({4096, 1}, type).requires_grad_(),
                    at::zeros({1, 1}, type).requires_grad_(), at::zeros({1}, type).requires_grad_(),
                    at::ones({4096, 1}, type)};
    EXPECT_EQ(evaluate(in, {.compute = type})[3].item<double>(), 4096);
    at::Tensor running = at::zeros({}, type);
    for (int row = 0; row < 4096; ++row)
      running += in.upstream[row][0];
    EXPECT_EQ(running.item<double>(), type == at::kHalf ? 2048 : 256);
  }
}

TEST(Matmul, LinearTakesTheTransposedWeightAndNeedsNoBias) {
  at::manual_seed(3);
  const at::Tensor x = at::tensor({1.0, 2.0}, at::kDouble).view({1, 1, 2});
  const at::Tensor weight = at::tensor({1.0, 10.0, 100.0, 2.0, 20.0, 200.0}, at::kDouble);
  const at::Tensor bias = at::tensor({0.5, 0.25, 0.125}, at::kDouble);
  const at::Tensor wanted = at::tensor({5.5, 50.25, 500.125}, at::kDouble).view({1, 1, 3});
  const at::Tensor in_out = weight.view({2, 3});
  EXPECT_TRUE(at::equal(ops::conv1d(x, in_out, bias, {}), wanted));
  EXPECT_TRUE(at::equal(ops::linear(x, in_out.t(), bias, {}), wanted));
  EXPECT_TRUE(at::equal(ops::linear(x, in_out.t(), {}, {}), wanted - bias));
}

TEST(Matmul, BatchesAreMultipliedOneByOne) {
  for (const at::ScalarType type : k16Bit) {
    at::manual_seed(4);
    const at::Tensor a = integer_leaf({2, 3, 5, 320}, 15, type).detach();
    const at::Tensor b = integer_leaf({2, 3, 320, 4}, 15, type).detach();
    const at::Tensor wanted = at::matmul(exact(a), exact(b)).to(type);
    EXPECT_TRUE(at::equal(ops::rounded_matmul(a, b), wanted)) << type;
    // The operands once, for several matmuls, as the language-model head does.
    EXPECT_TRUE(at::equal(ops::operand_matmul(ops::matmul_operand(a), ops::matmul_operand(b), type),
                          wanted))
        << type;
  }
}

// 128 x 256 + 3 x 1 = 32,771: the 16-bit product has to drop the 3.
TEST(Matmul, AccumulationDoesNotRoundTheProduct) {
  for (const at::ScalarType type : k16Bit) {
    const at::Tensor a = at::tensor({128.0f, 3.0f}).to(type).view({1, 2});
    const at::Tensor b = at::tensor({256.0f, 1.0f}).to(type).view({2, 1});
    at::Tensor sum = at::full({1, 1}, 0.5f);
    ops::accumulate_matmul(sum, a, b);
    ops::accumulate_matmul(sum, a, b);
    EXPECT_EQ(sum.item<float>(), 2 * 32771.0f + 0.5f) << type;
    EXPECT_EQ(ops::rounded_matmul(a, b).item<float>(), 32768.0f) << type;
  }
}

// Mixed precision: operands are cast, the gradients come back in the operands' own datatype, having
// been rounded to the compute datatype on the way.
TEST(Matmul, MixedPrecisionCastsOperandsAndGradients) {
  for (const at::ScalarType type : k16Bit)
    for (const AutocastRules rules : {AutocastRules::kCuda, AutocastRules::kCpu}) {
      at::manual_seed(5);
      Affine in{normal_leaf({8, 64}, at::kFloat), normal_leaf({64, 8}, at::kFloat),
                normal_leaf({8}, at::kFloat), normal_leaf({8, 8}, type).detach()};
      const auto found = evaluate(in, {.compute = type, .autocast = rules});
      EXPECT_EQ(found[0].scalar_type(), type);
      const Affine cast{exact(in.x.to(type)), exact(in.weight.to(type)), exact(in.bias.to(type)),
                        in.upstream};
      const Affine magnitudes{cast.x.abs(), cast.weight.abs(), cast.bias.abs(),
                              cast.upstream.abs()};
      const auto wanted = closed_form(cast), magnitude = closed_form(magnitudes);
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_TRUE(within(found[i], wanted[i], reduction_bound(magnitude[i], type, 65))) << i;
      for (std::size_t i = 1; i < found.size(); ++i) {
        EXPECT_EQ(found[i].scalar_type(), at::kFloat);
        EXPECT_TRUE(at::equal(found[i], found[i].to(type).to(at::kFloat)));
      }
    }
}

}  // namespace
}  // namespace dtbench::testing
