// The policy's datatypes as ATen's.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "config/policy.h"

namespace dtbench {

at::ScalarType scalar_type(Dtype dtype);
Dtype dtype_of(at::ScalarType type);

bool is_floating(const at::Tensor& x);  // false where it is undefined

// The datatype inside an operation on `type`: fp64 for fp64, else fp32. Matmuls, softmax, norms
// and reductions accumulate in it and round once, on store.
at::ScalarType accumulation_type(at::ScalarType type);

// Machine epsilon: the spacing of the numbers above 1 (2^-52, 2^-23, 2^-10, 2^-7).
double epsilon(Dtype dtype);

// A bound for |computed - exact| of a sum of `length` products, relative to the sum of the
// products' magnitudes: the statistical growth sqrt(length) of rounding errors (Higham and Mary
// 2019, with lambda = 6, which fails once in 10^7 even if every error were as large as can be) in
// the accumulation datatype, plus one rounding of operands or result in `stored`.
double reduction_tolerance(Dtype stored, Dtype accumulated, double length);

}  // namespace dtbench
