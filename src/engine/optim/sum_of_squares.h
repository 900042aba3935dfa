// Sums of squares in fp32 that stay right for large tensors: one running sum over millions of
// elements no longer moves by small ones. For sources of one instruction set: no header of ATen.
#pragma once

#include <cstdint>

namespace dtbench::kernels {

// How many elements may share a sum. With kSquareLanes sums side by side, of which each takes
// kSquareBlock / kSquareLanes elements, and the tree over them, its relative error is below 71
// units of roundoff: one for the square, 64 and 6 for the additions.
inline constexpr std::int64_t kSquareBlock = 4096;
inline constexpr std::int64_t kSquareLanes = 64;

// Of at most kSquareBlock values, in their own datatype. Element i belongs to lane i mod
// kSquareLanes, so every instruction set gives the same bits.
float sum_of_squares(const float* values, std::int64_t count);
double sum_of_squares(const double* values, std::int64_t count);

}  // namespace dtbench::kernels
