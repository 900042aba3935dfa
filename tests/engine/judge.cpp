#include "engine/judge.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::testing {
namespace {

double smallest_subnormal(at::ScalarType type) {
  switch (type) {
    case at::kHalf:
      return 0x1p-24;
    case at::kBFloat16:
      return 0x1p-133;
    case at::kFloat:
      return 0x1p-149;
    default:
      return 0;
  }
}

}  // namespace

at::Tensor exact(const at::Tensor& x) {
  return x.detach().to(at::kDouble);
}

at::Tensor exact_leaf(const at::Tensor& x) {
  return x.detach().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).requires_grad_();
}

at::Tensor normal_leaf(at::IntArrayRef shape, at::ScalarType type) {
  return at::randn(shape, at::kDouble).to(type).requires_grad_();
}

at::Tensor integer_leaf(at::IntArrayRef shape, std::int64_t most, at::ScalarType type) {
  return at::randint(-most, most + 1, shape, at::kDouble).to(type).requires_grad_();
}

std::vector<at::Tensor> gradients(const at::Tensor& output, const std::vector<at::Tensor>& inputs,
                                  const at::Tensor& upstream) {
  return torch::autograd::grad({output}, inputs, {upstream}, /*retain_graph=*/true);
}

at::Tensor reduction_bound(const at::Tensor& magnitude, at::ScalarType type, double length) {
  const double tolerance =
      reduction_tolerance(dtype_of(type), dtype_of(accumulation_type(type)), length);
  return magnitude * tolerance + smallest_subnormal(type) / 2;
}

::testing::AssertionResult within(const at::Tensor& found, const at::Tensor& wanted,
                                  const at::Tensor& bound) {
  if (found.sizes() != wanted.sizes())
    return ::testing::AssertionFailure()
           << "shape " << found.sizes() << " instead of " << wanted.sizes();
  const at::Tensor error = (exact(found) - exact(wanted)).abs();
  const at::Tensor misses = error.le(bound).logical_not();  // true for NaN, too
  if (!misses.any().item<bool>()) return ::testing::AssertionSuccess();
  const at::Tensor worst = misses.nonzero()[0];
  const auto there = [&](const at::Tensor& x) {
    return x.expand(error.sizes()).masked_select(misses)[0].item<double>();
  };
  return ::testing::AssertionFailure()
         << misses.sum().item<std::int64_t>() << " of " << error.numel() << " miss, the first at "
         << worst.view({1, -1}) << ": " << there(exact(found)) << " instead of "
         << there(exact(wanted)) << ", allowed " << there(bound);
}

}  // namespace dtbench::testing
