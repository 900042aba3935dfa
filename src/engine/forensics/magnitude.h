// How large the numbers of a tensor are, beside what its datatype can hold.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace dtbench {

// The largest |x|; NaN or infinity where `x` holds one; 0 of no elements. Any floating datatype.
double largest_magnitude(const at::Tensor& x);

// The Frobenius norm, added up in fp64. Any floating datatype.
double norm_of(const at::Tensor& x);

// The largest finite number, and the smallest above zero (subnormal), of a floating datatype.
double largest_of(at::ScalarType type);
double smallest_of(at::ScalarType type);

// The policies' name of a datatype, "fp16"; of 8-bit codes "8-bit".
std::string short_name(at::ScalarType type);

// The first element, in the order of memory of the contiguous tensor, that is NaN or infinite; -1:
// none.
std::int64_t first_nonfinite_element(const at::Tensor& x);

}  // namespace dtbench
