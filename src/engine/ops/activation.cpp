#include "engine/ops/activation.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "engine/ops/torch_chain.h"

namespace dtbench::ops {
namespace {

Value gelu_kernel(Tape& tape, const Value& x, const char* approximate) {
  return tape.record("gelu", {x}, at::gelu(x.tensor(), approximate),
                     [x = x.tensor(), approximate](Tensors dy) -> Tensors {
                       return {at::gelu_backward(dy[0], x, approximate)};
                     });
}

}  // namespace

Value gelu_tanh(Tape& tape, const Value& x, const ComputeRules& rules) {
  if (rules.gelu == GeluRule::kKernel) return gelu_kernel(tape, x, "tanh");
  const at::ScalarType pow_type = operand_type(CastOp::kPow, x.scalar_type(), rules);
  return torch_chain(tape, "gelu_composite", x, [pow_type](const at::Tensor& input) {
    const at::Tensor cube = at::pow(input.to(pow_type), 3.0);
    const at::Tensor inner = std::sqrt(2.0 / std::numbers::pi) * (input + 0.044715 * cube);
    return 0.5 * input * (1.0 + at::tanh(inner));
  });
}

Value gelu_exact(Tape& tape, const Value& x, const ComputeRules& rules) {
  if (rules.gelu == GeluRule::kKernel) return gelu_kernel(tape, x, "none");
  return torch_chain(tape, "gelu_composite", x, [](const at::Tensor& input) {
    return input * 0.5 * (1.0 + at::erf(input / std::numbers::sqrt2));
  });
}

Value tanh(Tape& tape, const Value& x) {
  const at::Tensor y = at::tanh(x.tensor());
  return tape.record("tanh", {x}, y,
                     [y](Tensors dy) -> Tensors { return {at::tanh_backward(dy[0], y)}; });
}

}  // namespace dtbench::ops
