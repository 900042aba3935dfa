// Matrix products: operands of one datatype, accumulation in fp32 (fp64 for fp64), one rounding of
// the result, in the forward and in the backward pass. On the CPU fp16 operands are multiplied as
// the fp32 numbers that they are, which is what a tensor core computes; torch's own fp16 product
// there is a hundred times slower.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/numerics/compute_rules.h"

namespace dtbench::ops {

// a [..., M, K] times b [..., K, N], batched as at::matmul. Not differentiable: the building block
// of operations that bring their own backward pass.
at::Tensor product(const at::Tensor& a, const at::Tensor& b);

// The same into `out`, which has the product's shape and datatype.
void product_out(at::Tensor& out, const at::Tensor& a, const at::Tensor& b);

// sum += a b, without rounding the product: `sum` [M, N] is in the accumulation datatype of a [M,
// K] and b [K, N]. Not differentiable.
void accumulate_product(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b);

// x [..., I] times weight [I, O] plus bias [O]: GPT-2's Conv1D, whose weight is stored [in, out].
at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules);

// x [..., I] times weight [O, I] transposed, plus bias [O], which may be undefined.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                  const ComputeRules& rules);

}  // namespace dtbench::ops
