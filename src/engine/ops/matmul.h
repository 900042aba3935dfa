// Matrix products: operands of one datatype, accumulation in fp32 (fp64 for fp64), one rounding of
// the result, in the forward and in the backward pass. On the CPU fp16 operands,
// and bf16 ones where it has no instructions for them, are multiplied as the fp32 numbers that they
// are, which is what a tensor core computes (config/cpu_matmul.h).
#pragma once

#include "engine/numerics/compute_rules.h"
#include "engine/tape/tape.h"

namespace dtbench::ops {

// A matrix as matmuls read it: what the CPU has no matmul for as fp32 numbers of the same values,
// all else as it is. Worth keeping where a matrix is read more than once.
at::Tensor matmul_operand(const at::Tensor& x);

// a [..., M, K] times b [..., K, N], batched as at::matmul, as matmul_operand gives them; rounded
// to `stored`, their own datatype or a 16-bit one. Not differentiable, as those below: building
// blocks of operations that bring their own backward pass.
at::Tensor operand_matmul(const at::Tensor& a, const at::Tensor& b, at::ScalarType stored);

// The same for tensors of one datatype, which the result has, too.
at::Tensor rounded_matmul(const at::Tensor& a, const at::Tensor& b);

// sum += a b, without rounding the product: `sum` [M, N] is in the accumulation datatype of the
// operands a [M, K] and b [K, N].
void accumulate_matmul(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b);

// x [..., I] times weight [I, O] plus bias [O]: GPT-2's Conv1D, whose weight is stored [in, out].
Value conv1d(Tape& tape, const Value& x, const Value& weight, const Value& bias,
             const ComputeRules& rules);

// x [..., I] times weight [O, I] transposed, plus bias [O], which may be undefined.
Value linear(Tape& tape, const Value& x, const Value& weight, const Value& bias,
             const ComputeRules& rules);

}  // namespace dtbench::ops
