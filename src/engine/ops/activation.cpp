#include "engine/ops/activation.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace dtbench::ops {

at::Tensor gelu_tanh(const at::Tensor& x, const ComputeRules& rules) {
  if (rules.gelu == GeluRule::kKernel) return at::gelu(x, "tanh");
  const at::Tensor cube = at::pow(as_operand(CastOp::kPow, x, rules), 3.0);
  const at::Tensor inner = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * cube);
  return 0.5 * x * (1.0 + at::tanh(inner));
}

at::Tensor gelu_exact(const at::Tensor& x, const ComputeRules& rules) {
  if (rules.gelu == GeluRule::kKernel) return at::gelu(x);
  return x * 0.5 * (1.0 + at::erf(x / std::numbers::sqrt2));
}

at::Tensor tanh(const at::Tensor& x) {
  return at::tanh(x);
}

}  // namespace dtbench::ops
