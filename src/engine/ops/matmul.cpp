#include "engine/ops/matmul.h"

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "config/cpu_matmul.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/cast.h"

namespace dtbench::ops {
namespace {

at::Tensor rows_of(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

// y [n, O] = x [n, I] weight [I, O] + bias [O], rounded once.
at::Tensor affine_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor a = matmul_operand(x), b = matmul_operand(weight);
  const at::Tensor y = bias.defined() ? at::addmm(matmul_operand(bias), a, b) : at::mm(a, b);
  return y.to(x.scalar_type());
}

// x^T dy [I, O] from the operands x and dy, or, for a weight stored as [O, I], its transpose. The
// latter is computed as it is stored; what is rounded into a copy anyway is not.
at::Tensor weight_gradient(const at::Tensor& x, const at::Tensor& dy, bool transposed,
                           at::ScalarType stored) {
  if (!transposed) return at::mm(x.t(), dy).to(stored);
  if (dy.scalar_type() != stored) return at::mm(x.t(), dy).to(stored).t();
  return at::mm(dy.t(), x);
}

// `weight` [I, O]; `transposed`: a view of a matrix stored as [O, I].
Value affine(Tape& tape, const char* operation, const Value& x, const Value& weight,
             const Value& bias, bool transposed) {
  const at::Tensor rows = rows_of(x.tensor());
  const at::Tensor matrix = transposed ? weight.tensor().t() : weight.tensor();
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = matrix.size(1);
  return tape.record(
      operation, {x, weight, bias}, affine_rows(rows, matrix, bias.tensor()).view(shape),
      [rows, matrix, transposed, has_bias = bias.defined(),
       shape = x.sizes().vec()](Tensors gradients) -> Tensors {
        const at::ScalarType stored = rows.scalar_type();
        const at::Tensor dy = matmul_operand(rows_of(std::exchange(gradients[0], {})));
        const at::Tensor dx = at::mm(dy, matmul_operand(matrix).t()).to(stored);
        const at::Tensor dweight = weight_gradient(matmul_operand(rows), dy, transposed, stored);
        const at::Tensor dbias = has_bias ? dy.sum(0).to(stored) : at::Tensor();
        return {dx.view(shape), dweight, dbias};
      });
}

}  // namespace

at::Tensor matmul_operand(const at::Tensor& x) {
  const bool wide = x.is_cpu() && multiplies_as_fp32_on_cpu(dtype_of(x.scalar_type()));
  return wide ? x.to(at::kFloat) : x;
}

at::Tensor operand_matmul(const at::Tensor& a, const at::Tensor& b, at::ScalarType stored) {
  return at::matmul(a, b).to(stored);
}

at::Tensor rounded_matmul(const at::Tensor& a, const at::Tensor& b) {
  return operand_matmul(matmul_operand(a), matmul_operand(b), a.scalar_type());
}

void accumulate_matmul(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  if (a.is_cuda() && a.scalar_type() != sum.scalar_type())
    sum.add_(at::mm(a, b, sum.scalar_type()));
  else
    sum.addmm_(a.to(sum.scalar_type()), b.to(sum.scalar_type()));
}

Value conv1d(Tape& tape, const Value& x, const Value& weight, const Value& bias,
             const ComputeRules& rules) {
  const Value input = as_operand(tape, CastOp::kMatmul, x, rules);
  const Value matrix = as_operand(tape, CastOp::kMatmul, weight, rules);
  return affine(tape, "conv1d", input, matrix, as_operand(tape, CastOp::kMatmul, bias, rules),
                /*transposed=*/false);
}

Value linear(Tape& tape, const Value& x, const Value& weight, const Value& bias,
             const ComputeRules& rules) {
  const Value input = as_operand(tape, CastOp::kMatmul, x, rules);
  const Value matrix = as_operand(tape, CastOp::kMatmul, weight, rules);
  return affine(tape, "linear", input, matrix, as_operand(tape, CastOp::kMatmul, bias, rules),
                /*transposed=*/true);
}

}  // namespace dtbench::ops
