// LayerNorm with fp32 inside: statistics, output and gradients; against fp64 and against what
// torch's CPU kernel makes of 16-bit inputs.
#include "engine/ops/layer_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "engine/judge.h"
#include "engine/numerics/scalar_type.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

constexpr double kEpsilon = 1e-5;

struct Norm {
  at::Tensor x, weight, bias, upstream;

  std::vector<at::Tensor> leaves() const { return {x, weight, bias}; }
};

Norm normal(std::int64_t rows, std::int64_t width, at::ScalarType type) {
  at::manual_seed(1);
  return {normal_leaf({rows, width}, type), normal_leaf({width}, type), normal_leaf({width}, type),
          normal_leaf({rows, width}, type).detach()};
}

struct Results {
  at::Tensor y, dx, dweight, dbias;
};

// In fp64, with the formulas of the paper and of its derivative written out.
Results closed_form(const Norm& in) {
  const at::Tensor x = exact(in.x), weight = exact(in.weight), dy = exact(in.upstream);
  const at::Tensor centred = x - x.mean(-1, true);
  const at::Tensor deviation = (centred.square().mean(-1, true) + kEpsilon).sqrt();
  const at::Tensor normalized = centred / deviation;
  const at::Tensor g = dy * weight;
  return {normalized * weight + exact(in.bias),
          (g - g.mean(-1, true) - normalized * (g * normalized).mean(-1, true)) / deviation,
          (dy * normalized).sum(0), dy.sum(0)};
}

Results evaluate(const Norm& in, const at::Tensor& y) {
  const auto g = gradients(y, in.leaves(), in.upstream);
  return {y.detach(), g[0], g[1], g[2]};
}

Results ours(const Norm& in) {
  return evaluate(
      in, ops::layer_norm(in.x, in.weight, in.bias, kEpsilon, {.compute = in.x.scalar_type()}));
}

Results torchs(const Norm& in) {
  return evaluate(in, at::layer_norm(in.x, {in.x.size(-1)}, in.weight, in.bias, kEpsilon));
}

TEST(LayerNorm, EqualsTheClosedFormInFp64) {
  const Norm in = normal(7, 33, at::kDouble);
  const Results found = ours(in), wanted = closed_form(in);
  EXPECT_TRUE(at::allclose(found.y, wanted.y, 1e-13, 1e-14));
  EXPECT_TRUE(at::allclose(found.dx, wanted.dx, 1e-12, 1e-13));
  EXPECT_TRUE(at::allclose(found.dweight, wanted.dweight, 1e-12, 1e-13));
  EXPECT_TRUE(at::allclose(found.dbias, wanted.dbias, 1e-12, 1e-13));
}

// All sums are over at most 200 numbers. Inside, each term's magnitude is at most about that of its
// row's largest numbers; five operations follow on the sums.
TEST(LayerNorm, StaysWithinTheBoundOfFp32Inside) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat}) {
    const Norm in = normal(50, 200, type);
    const Results found = ours(in), wanted = closed_form(in);
    const double inside = 5 * reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, 200);
    const auto bound = [&](const at::Tensor& value, const at::Tensor& magnitude) {
      return reduction_bound(value.abs(), type, 1) + inside * magnitude;
    };
    const at::Tensor largest =
        (exact(in.upstream) * exact(in.weight)).abs().amax(-1, true) * exact(in.x).abs().amax();
    const at::Tensor products = (exact(in.upstream) * exact(in.x)).abs().sum(0) + 1;
    EXPECT_TRUE(within(found.y, wanted.y, bound(wanted.y, wanted.y.abs().amax()))) << type;
    EXPECT_TRUE(within(found.dx, wanted.dx, bound(wanted.dx, largest))) << type;
    EXPECT_TRUE(within(found.dweight, wanted.dweight, bound(wanted.dweight, products))) << type;
    EXPECT_TRUE(
        within(found.dbias, wanted.dbias, bound(wanted.dbias, exact(in.upstream).abs().sum(0))))
        << type;
  }
}

// 512 gradients of 1/512 for one bias. torch's CPU kernel adds them in bf16, where 1/2 + 1/512
// rounds back to 1/2.
TEST(LayerNorm, TheBiasGradientIsSummedInFp32) {
  Norm in = normal(512, 4, at::kBFloat16);
  in.upstream = at::full({512, 4}, 1.0 / 512, at::kBFloat16);
  EXPECT_TRUE(at::equal(ours(in).dbias, at::ones({4}, at::kBFloat16)));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);  // two would add a half each
  EXPECT_TRUE(at::equal(torchs(in).dbias, at::full({4}, 0.5, at::kBFloat16)));
  at::set_num_threads(threads);
}

// A row of 256, 258, 260 and 262: its mean, 259, is between two bf16 numbers, and torch's CPU
// kernel keeps 260 for the backward pass.
TEST(LayerNorm, TheStatisticsAreFp32) {
  Norm in = normal(1, 64, at::kBFloat16);
  in.x = (at::arange(64, at::kFloat).remainder(4) * 2 + 256)
             .to(at::kBFloat16)
             .view({1, 64})
             .requires_grad_();
  const Results wanted = closed_form(in);
  // The numbers are 262 / sqrt(5) deviations from 0.
  const double inside = reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, 64) * 262 / 2.236;
  const at::Tensor bound =
      reduction_bound(wanted.dx.abs(), at::kBFloat16, 1) + 5 * inside * wanted.dx.abs().amax();
  EXPECT_TRUE(within(ours(in).dx, wanted.dx, bound));
  EXPECT_FALSE(within(torchs(in).dx, wanted.dx, bound));
}

// Under mixed precision: fp32 out by CUDA's list, the input's datatype by the CPU's; gradients come
// back in their tensors' own.
TEST(LayerNorm, TheOutputsDatatypeIsTheCastLists) {
  const Norm in = normal(3, 8, at::kFloat);
  for (const at::ScalarType x_type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const at::Tensor x = in.x.detach().to(x_type).requires_grad_();
    const auto run = [&](AutocastRules rules) {
      return ops::layer_norm(x, in.weight, in.bias, kEpsilon,
                             {.compute = at::kBFloat16, .autocast = rules});
    };
    EXPECT_EQ(run(AutocastRules::kCuda).scalar_type(), at::kFloat);
    EXPECT_EQ(run(AutocastRules::kCpu).scalar_type(), x_type);
    for (const AutocastRules rules : {AutocastRules::kCuda, AutocastRules::kCpu}) {
      const at::Tensor y = run(rules);
      const auto g = gradients(y, {x, in.weight, in.bias}, at::ones_like(y));
      EXPECT_EQ(g[0].scalar_type(), x_type);
      EXPECT_EQ(g[1].scalar_type(), at::kFloat);
      EXPECT_EQ(g[2].scalar_type(), at::kFloat);
    }
  }
}

// A row of equal numbers: variance 0, normalized 0.
TEST(LayerNorm, AConstantRowGivesTheBias) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat}) {
    Norm in = normal(2, 16, type);
    in.x = at::full({2, 16}, 3, type).requires_grad_();
    const Results found = ours(in);
    EXPECT_TRUE(at::equal(found.y, in.bias.detach().expand({2, 16}))) << type;
    EXPECT_TRUE(at::isfinite(found.dx).all().item<bool>()) << type;
  }
}

}  // namespace
}  // namespace dtbench::testing
