// Doubles as judges of what was computed in fewer bits.
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace dtbench::testing {

// The numbers of `x` in fp64, cut off from its graph.
at::Tensor exact(const at::Tensor& x);
// The same as a leaf of a graph of its own.
at::Tensor exact_leaf(const at::Tensor& x);

// Leaves that require a gradient: N(0, 1) in fp64 rounded once to `type`; and integers of
// [-most, most], whose sums of products are exact in fp32 up to 2^24, so that whoever accumulates
// in fp32 and rounds once has no freedom.
at::Tensor normal_leaf(at::IntArrayRef shape, at::ScalarType type);
at::Tensor integer_leaf(at::IntArrayRef shape, std::int64_t most, at::ScalarType type);

// d sum(output x upstream) / d inputs.
std::vector<at::Tensor> gradients(const at::Tensor& output, const std::vector<at::Tensor>& inputs,
                                  const at::Tensor& upstream);

// How far a sum of `length` products may be from the exact one where it is accumulated in fp32 and
// rounded once to `type` (numerics/scalar_type.h); `magnitude`: the sum of the products'
// magnitudes. One half of the smallest subnormal number is always allowed.
at::Tensor reduction_bound(const at::Tensor& magnitude, at::ScalarType type, double length);

// |found - wanted| <= bound in every element. A NaN on either side fails.
::testing::AssertionResult within(const at::Tensor& found, const at::Tensor& wanted,
                                  const at::Tensor& bound);

}  // namespace dtbench::testing
