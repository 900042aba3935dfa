// Fused AdamW where parameter, gradient and states differ in datatype or rounding: held to torch's
// fused kernel on fp32 copies. Where they do not differ, tests/parity holds it to torch.
#include "engine/optim/fused_update.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/one_parameter.h"

namespace dtbench::testing {
namespace {

// Whole vector registers, in which torch's kernel fuses products and sums (fused_update.h), and
// more than one thread's share.
constexpr std::int64_t kElements = 3 * (1 << 15) + 64;

// Normal numbers of many magnitudes: the same in every call of a seed.
at::Tensor rough(std::int64_t seed) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(static_cast<std::uint64_t>(seed));
  const at::Tensor scale = at::randn({kElements}, generator).mul_(3).exp_().mul_(1e-4);
  return at::randn({kElements}, generator) * scale;
}

struct Case {
  const char* name;
  at::ScalarType weights, gradients;
  StateFormat states;
  double factor;
};

class Mixed : public ::testing::TestWithParam<Case> {};

TEST_P(Mixed, EqualsTorchsKernelOnFp32CopiesThenStored) {
  if (at::get_cpu_capability() == "DEFAULT") GTEST_SKIP() << "torch fuses with AVX2 only";
  const Case& c = GetParam();
  const at::Tensor initial = rough(0).to(c.weights);
  OneParameter ours(initial, adamw_with(c.states), c.gradients);
  const at::ScalarType state_type = ours.state("exp_avg").scalar_type();
  at::Tensor weight = initial.clone(), exp_avg = at::zeros({kElements}, state_type);
  at::Tensor exp_avg_sq = exp_avg.clone(), step = at::zeros({}, at::kFloat);
  for (std::int64_t t = 1; t <= 30; ++t) {
    const at::Tensor gradient = rough(t).to(c.gradients);
    ours.step(gradient, 1e-3, c.factor);

    at::Tensor w = weight.to(at::kFloat, false, /*copy=*/true);
    at::Tensor m = exp_avg.to(at::kFloat, false, true), v = exp_avg_sq.to(at::kFloat, false, true);
    const at::Tensor g = gradient.to(at::kFloat) * c.factor;
    step.add_(1);
    at::_fused_adamw_(w, g, m, v, {}, step, 1e-3, 0.9, 0.999, 0.0, 1e-8, false, false);
    weight.copy_(w), exp_avg.copy_(m), exp_avg_sq.copy_(v);
    ASSERT_TRUE(at::equal(ours.weight(), weight)) << "step " << t;
    ASSERT_TRUE(at::equal(ours.state("exp_avg"), exp_avg)) << "step " << t;
    ASSERT_TRUE(at::equal(ours.state("exp_avg_sq"), exp_avg_sq)) << "step " << t;
  }
  EXPECT_FALSE(at::equal(weight, initial));
}

INSTANTIATE_TEST_SUITE_P(
    Policies, Mixed,
    ::testing::Values(Case{"bf16", at::kBFloat16, at::kBFloat16, StateFormat::kBFloat16, 1},
                      Case{"fp16", at::kHalf, at::kHalf, StateFormat::kFloat16, 1},
                      Case{"fp32states", at::kHalf, at::kHalf, StateFormat::kFloat32, 1},
                      Case{"fp32gradients", at::kBFloat16, at::kFloat, StateFormat::kBFloat16, 1},
                      Case{"bf16states", at::kFloat, at::kFloat, StateFormat::kBFloat16, 1},
                      Case{"scaled", at::kHalf, at::kHalf, StateFormat::kFloat16, 0.7 / 1024},
                      Case{"fp32scaled", at::kFloat, at::kFloat, StateFormat::kFloat32, 0.3}),
    [](const auto& tested) { return std::string(tested.param.name); });

struct Threaded {
  at::ScalarType type;
  StateFormat states;
  UpdateRounding rounding;
};

TEST(FusedUpdate, DoesNotDependOnTheNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const Threaded& c :
       {Threaded{at::kFloat, StateFormat::kFloat32, UpdateRounding::kNearest},
        Threaded{at::kBFloat16, StateFormat::kBFloat16, UpdateRounding::kStochastic},
        Threaded{at::kBFloat16, StateFormat::kBFloat16, UpdateRounding::kKahan},
        Threaded{at::kFloat, StateFormat::kBlockwise8Bit, UpdateRounding::kNearest}}) {
    at::Tensor first;
    UpdateCounts counts;
    for (const int count : {1, 3}) {
      at::set_num_threads(count);
      OneParameter one(rough(0).to(c.type),
                       adamw_with(c.states, OptimizerArithmetic::kFused, c.rounding));
      UpdateCounts sum;
      for (std::int64_t t = 1; t <= 3; ++t)
        sum += one.step(rough(t).to(c.type), 1e-3);
      if (count == 1) {
        first = one.weight().clone();
        counts = sum;
      }
      EXPECT_TRUE(at::equal(one.weight(), first));
      EXPECT_EQ(sum.elements, 3 * kElements);
      EXPECT_EQ(sum.lost_weight_updates, counts.lost_weight_updates);
      EXPECT_EQ(sum.lost_v_updates, counts.lost_v_updates);
    }
  }
  at::set_num_threads(threads);
}

// The spacing of fp32 at 1e8 is 8; v differs from the squared gradient by less than 0.001 of it
// takes up.
TEST(FusedUpdate, CountsWhatLeavesNoTrace) {
  OneParameter one(at::tensor({1e8f, 1.0f, 1.0f}), adamw_with(StateFormat::kFloat32));
  const UpdateCounts first = one.step(at::tensor({1.0f, 1.0f, 0.0f}), 1e-3);
  EXPECT_EQ(first.elements, 3);
  EXPECT_EQ(first.lost_weight_updates, 1);
  EXPECT_EQ(first.lost_v_updates, 0);
  one.state("exp_avg_sq").copy_(at::tensor({1.0f, 1.0f + 0x1p-23f, 0.0f}));
  const UpdateCounts second = one.step(at::tensor({1.0f, 1.0f, 0.0f}), 1e-3);
  EXPECT_EQ(second.lost_v_updates, 1);
  EXPECT_EQ(second.eight_bit_elements, 0);
}

}  // namespace
}  // namespace dtbench::testing
