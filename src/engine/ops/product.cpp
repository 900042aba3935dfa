#include "engine/ops/product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/numerics/optional_tensor.h"

namespace dtbench::ops {
namespace {

// Whether torch's own product is to be avoided.
bool is_half_on_cpu(const at::Tensor& x) {
  return x.scalar_type() == at::kHalf && x.is_cpu();
}

at::Tensor wide(const at::Tensor& x) {
  return x.to(at::kFloat);
}

// y [n, O] = x [n, I] weight [I, O] + bias [O] in fp16 on the CPU.
class HalfAffine : public torch::autograd::Function<HalfAffine> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = bias.has_value();
    const at::Tensor y =
        bias ? at::addmm(wide(*bias), wide(x), wide(weight)) : at::mm(wide(x), wide(weight));
    return y.to(at::kHalf);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor dy = wide(gradients[0]);
    at::Tensor dx, dweight, dbias;
    if (context->needs_input_grad(0)) dx = at::mm(dy, wide(weight).t()).to(at::kHalf);
    if (context->needs_input_grad(1)) dweight = at::mm(wide(x).t(), dy).to(at::kHalf);
    if (context->saved_data["has_bias"].toBool()) dbias = dy.sum(0).to(at::kHalf);
    return {dx, dweight, dbias};
  }
};

// x [..., I], weight [I, O], all in the compute datatype.
at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(1);
  const at::Tensor rows = x.reshape({-1, x.size(-1)});
  if (is_half_on_cpu(x)) return HalfAffine::apply(rows, weight, optional_tensor(bias)).view(shape);
  return (bias.defined() ? at::addmm(bias, rows, weight) : at::mm(rows, weight)).view(shape);
}

}  // namespace

at::Tensor product_operand(const at::Tensor& x) {
  return is_half_on_cpu(x) ? wide(x) : x;
}

at::Tensor operand_product(const at::Tensor& a, const at::Tensor& b, at::ScalarType stored) {
  return at::matmul(a, b).to(stored);
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  return operand_product(product_operand(a), product_operand(b), a.scalar_type());
}

void accumulate_product(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  if (a.is_cuda() && a.scalar_type() != sum.scalar_type())
    sum.add_(at::mm(a, b, sum.scalar_type()));
  else
    sum.addmm_(a.to(sum.scalar_type()), b.to(sum.scalar_type()));
}

at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules) {
  return affine(as_operand(CastOp::kProduct, x, rules), as_operand(CastOp::kProduct, weight, rules),
                as_operand(CastOp::kProduct, bias, rules));
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules) {
  return affine(as_operand(CastOp::kProduct, x, rules),
                as_operand(CastOp::kProduct, weight, rules).t(),
                as_operand(CastOp::kProduct, bias, rules));
}

}  // namespace dtbench::ops
