#include "engine/ops/layer_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

namespace dtbench::ops {
namespace {

// torch's CPU kernel keeps the statistics of 16-bit inputs, and sums the gradients of weight and
// bias, in 16 bits. CUDA's does both in fp32, as this does.
class LayerNorm16OnCpu : public torch::autograd::Function<LayerNorm16OnCpu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, const at::Tensor& bias, double epsilon) {
    const auto [y, mean, rstd] = at::native_layer_norm(
        x.to(at::kFloat), {x.size(-1)}, weight.to(at::kFloat), bias.to(at::kFloat), epsilon);
    context->save_for_backward({x, weight, bias, mean, rstd});
    return y.to(x.scalar_type());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto [dx, dweight, dbias] = at::native_layer_norm_backward(
        gradients[0].to(at::kFloat), x.to(at::kFloat), {x.size(-1)}, saved[3], saved[4],
        weight.to(at::kFloat), bias.to(at::kFloat), {true, true, true});
    return {
        dx.to(x.scalar_type()), dweight.to(weight.scalar_type()), dbias.to(bias.scalar_type()), {}};
  }
};

}  // namespace

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon, const ComputeRules& rules) {
  const at::Tensor input = as_operand(CastOp::kLayerNorm, x, rules);
  if (input.is_cpu() && input.element_size() == 2)
    return LayerNorm16OnCpu::apply(input, weight, bias, epsilon);
  return at::layer_norm(input, {input.size(-1)}, weight, bias, epsilon);
}

}  // namespace dtbench::ops
