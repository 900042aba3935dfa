// GELU in both forms: the kernels with fp32 inside against closed forms, the composite chains with
// their roundings, their casts and their NaN.
#include "engine/ops/activation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/judge.h"
#include "engine/taped.h"

namespace dtbench::testing {
namespace {

const ComputeRules kKernel{};
const ComputeRules kComposite{.gelu = GeluRule::kComposite};

// sqrt(2 / pi) and 1 / sqrt(2 pi).
constexpr double kSlope = 0.7978845608028654, kDensity = 0.3989422804014327;

struct Curve {
  at::Tensor value, derivative;
};

Curve tanh_form(const at::Tensor& x) {
  const at::Tensor t = at::tanh(kSlope * (x + 0.044715 * x * x * x));
  return {0.5 * x * (1 + t),
          0.5 * (1 + t) + 0.5 * x * (1 - t * t) * kSlope * (1 + 3 * 0.044715 * x * x)};
}

Curve exact_form(const at::Tensor& x) {
  const at::Tensor phi = 0.5 * at::erfc(-x * M_SQRT1_2);
  return {x * phi, phi + x * kDensity * at::exp(-0.5 * x * x)};
}

using Operation = at::Tensor (*)(const at::Tensor&, const ComputeRules&);
struct Form {
  const char* name;
  Operation operation;
  Curve (*curve)(const at::Tensor&);
};
constexpr Form kForms[] = {{"tanh", ops::gelu_tanh, tanh_form},
                           {"exact", ops::gelu_exact, exact_form}};

at::Tensor grid(at::ScalarType type) {
  return at::linspace(-8, 8, 1001, at::kDouble).to(type).requires_grad_();
}

// One rounding, and ten operations in fp32 whose intermediate results are up to
// (1 + |x|)(1 + 3 x 0.0447 x^2).
at::Tensor bound(const at::Tensor& x, const at::Tensor& wanted, at::ScalarType type) {
  return reduction_bound(wanted.abs(), type, 1) +
         10 * 0x1p-23 * (1 + x.abs()) * (1 + 0.134145 * x * x);
}

double largest_relative_error(const at::Tensor& found, const at::Tensor& wanted) {
  return ((exact(found) - wanted).abs() / wanted.abs()).max().item<double>();
}

TEST(Gelu, KernelsComputeInFp32AndRoundOnce) {
  for (const Form& form : kForms)
    for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat}) {
      const at::Tensor x = grid(type), at = exact(x);
      const Curve wanted = form.curve(at);
      const at::Tensor y = form.operation(x, kKernel);
      const at::Tensor dx = gradients(y, {x}, at::ones_like(y))[0];
      EXPECT_EQ(y.scalar_type(), type);
      EXPECT_TRUE(within(y, wanted.value, bound(at, wanted.value, type))) << form.name << type;
      EXPECT_TRUE(within(dx, wanted.derivative, bound(at, wanted.derivative, type)))
          << form.name << type;
    }
}

TEST(Gelu, FormsAreTheirFormulasInFp64) {
  for (const Form& form : kForms)
    for (const ComputeRules& rules : {kKernel, kComposite}) {
      const at::Tensor x = grid(at::kDouble);
      const Curve wanted = form.curve(exact(x));
      const at::Tensor y = form.operation(x, rules);
      EXPECT_TRUE(at::allclose(y, wanted.value, 1e-12, 1e-14)) << form.name;
      EXPECT_TRUE(
          at::allclose(gradients(y, {x}, at::ones_like(y))[0], wanted.derivative, 1e-12, 1e-14))
          << form.name;
    }
}

// GPT-2's form against RoBERTa's: they differ by 4.7e-4 at most, which bf16 cannot show and a test
// in fp64 must.
TEST(Gelu, FormsDiffer) {
  const at::Tensor x = grid(at::kDouble);
  const double apart =
      (ops::gelu_tanh(x, kKernel) - ops::gelu_exact(x, kKernel)).abs().max().item<double>();
  EXPECT_GT(apart, 4e-4);
  EXPECT_LT(apart, 5e-4);
}

struct Far {
  AutocastRules autocast;
  GeluRule gelu;
  bool derivative_is_nan;
};

// x^3 = 8,000,000 is beyond fp16: the chain's derivative is 0 x infinity unless CUDA's cast list
// takes the power in fp32.
TEST(Gelu, TheCompositeTanhFormsFp16GradientIsNaNFarOut) {
  for (const Far& far : {Far{AutocastRules::kNone, GeluRule::kKernel, false},
                         Far{AutocastRules::kNone, GeluRule::kComposite, true},
                         Far{AutocastRules::kCpu, GeluRule::kComposite, true},
                         Far{AutocastRules::kCuda, GeluRule::kComposite, false}}) {
    const at::Tensor x = at::tensor({-200.0f, 200.0f}).to(at::kHalf).requires_grad_();
    const at::Tensor y =
        ops::gelu_tanh(x, {.compute = at::kHalf, .autocast = far.autocast, .gelu = far.gelu});
    EXPECT_TRUE(at::equal(y.to(at::kFloat), at::tensor({0.0f, 200.0f})));
    const at::Tensor dx = gradients(y, {x}, at::ones_like(y))[0].to(at::kFloat);
    if (far.derivative_is_nan)
      EXPECT_TRUE(at::isnan(dx).all().item<bool>()) << dx;
    else
      EXPECT_TRUE(at::equal(dx, at::tensor({0.0f, 1.0f}))) << dx;
  }
}

struct Cast {
  Operation operation;
  AutocastRules autocast;
  at::ScalarType output;
};

TEST(Gelu, CompositeFormsFollowTheCastLists) {
  for (const Cast& cast : {Cast{ops::gelu_tanh, AutocastRules::kNone, at::kBFloat16},
                           Cast{ops::gelu_tanh, AutocastRules::kCpu, at::kBFloat16},
                           Cast{ops::gelu_tanh, AutocastRules::kCuda, at::kFloat},
                           Cast{ops::gelu_exact, AutocastRules::kNone, at::kBFloat16},
                           Cast{ops::gelu_exact, AutocastRules::kCpu, at::kBFloat16},
                           Cast{ops::gelu_exact, AutocastRules::kCuda, at::kBFloat16}}) {
    const at::Tensor x = grid(at::kBFloat16);
    const at::Tensor y = cast.operation(
        x, {.compute = at::kBFloat16, .autocast = cast.autocast, .gelu = GeluRule::kComposite});
    EXPECT_EQ(y.scalar_type(), cast.output);
    EXPECT_EQ(gradients(y, {x}, at::ones_like(y))[0].scalar_type(), at::kBFloat16);
  }
}

// Where x > 0.1 nothing cancels: the kernel errs by one rounding of bf16, 2^-8; the chain that
// rounds each time by more; the chain whose tail CUDA's list makes fp32 by none of bf16's.
TEST(Gelu, TheChainRoundsMoreThanOnce) {
  const at::Tensor x = at::linspace(0.1, 3, 500, at::kDouble).to(at::kBFloat16);
  const at::Tensor wanted = tanh_form(exact(x)).value;
  const auto error = [&](GeluRule gelu, AutocastRules autocast) {
    return largest_relative_error(
        ops::gelu_tanh(x, {.compute = at::kBFloat16, .autocast = autocast, .gelu = gelu}), wanted);
  };
  EXPECT_LE(error(GeluRule::kKernel, AutocastRules::kNone), 0x1p-8);
  EXPECT_GT(error(GeluRule::kComposite, AutocastRules::kNone), 0x1p-8);
  EXPECT_EQ(error(GeluRule::kComposite, AutocastRules::kNone),
            error(GeluRule::kComposite, AutocastRules::kCpu));
  EXPECT_LE(error(GeluRule::kComposite, AutocastRules::kCuda), 10 * 0x1p-23);
}

// tanh' = 1 - y^2 from the stored, rounded output.
TEST(Tanh, ComputesInFp32AndRoundsOnce) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16, at::kFloat}) {
    const at::Tensor x = grid(type), y = ops::tanh(x);
    const at::Tensor value = at::tanh(exact(x)), slope = 1 - exact(y).square();
    EXPECT_EQ(y.scalar_type(), type);
    EXPECT_TRUE(within(y, value, bound(at::zeros_like(value), value, type))) << type;
    EXPECT_TRUE(within(gradients(y, {x}, at::ones_like(y))[0], slope,
                       bound(at::zeros_like(slope), slope, type)))
        << type;
  }
}

}  // namespace
}  // namespace dtbench::testing
