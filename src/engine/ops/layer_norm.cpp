#include "engine/ops/layer_norm.h"

#include <ATen/ATen.h>

#include <tuple>

#include "engine/ops/cast.h"

namespace dtbench::ops {
namespace {

// What a kernel reads: torch's CPU kernel keeps the statistics of 16-bit inputs, and sums the
// gradients of weight and bias, in 16 bits. CUDA's does both in fp32; so does the CPU's on copies
// in fp32.
at::Tensor as_read(const at::Tensor& x, bool in_fp32) {
  return in_fp32 ? x.to(at::kFloat) : x;
}

}  // namespace

Value layer_norm(Tape& tape, const Value& x, const Value& weight, const Value& bias, double epsilon,
                 const ComputeRules& rules) {
  const Value input = as_operand(tape, CastOp::kLayerNorm, x, rules);
  const bool wide = input.tensor().is_cpu() && input.tensor().element_size() == 2;
  const auto [y, mean, rstd] =
      at::native_layer_norm(as_read(input.tensor(), wide), {input.size(-1)},
                            as_read(weight.tensor(), wide), as_read(bias.tensor(), wide), epsilon);
  return tape.record("layer_norm", {input, weight, bias}, y.to(input.scalar_type()),
                     [x = input.tensor(), weight = weight.tensor(), bias = bias.tensor(),
                      center = mean, scale = rstd, wide](Tensors dy) -> Tensors {
                       const auto [dx, dweight, dbias] = at::native_layer_norm_backward(
                           as_read(dy[0], wide), as_read(x, wide), {x.size(-1)}, center, scale,
                           as_read(weight, wide), as_read(bias, wide), {true, true, true});
                       return {dx.to(x.scalar_type()), dweight.to(weight.scalar_type()),
                               dbias.to(bias.scalar_type())};
                     });
}

}  // namespace dtbench::ops
