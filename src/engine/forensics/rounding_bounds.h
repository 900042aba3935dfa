// How far rounding can take the result of one operation from what it would be in exact arithmetic,
// for the same operands: bounds of its Frobenius norm, derived from the datatypes' units of
// roundoff and from what the operation adds up (Higham 2002, "Accuracy and Stability of Numerical
// Algorithms", sections 2.2 and 3.1; docs/forensics.md has each derivation). To first order in the
// units. Numbers below the datatype's normal range, and beyond its largest, are left out: a result
// that leaves the range is meant to be found.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "engine/tape/tape.h"

namespace dtbench {

// Unit of roundoff: 2^-24 for fp32, 2^-11 for fp16, 2^-8 for bf16.
double unit_roundoff(at::ScalarType type);

// The Frobenius norm, added up in fp64.
double norm_of(const at::Tensor& x);

// n u / (1 - n u): the relative error of a sum of n rounded terms, in any order.
double gamma_of(double n, double u);

// Where one policy rounds in one operation.
struct Rounding {
  double stored = 0;  // unit of the operands' datatype: what is rounded within the operation
  double inside = 0;  // unit of the datatype that it accumulates in
  // By how much each operand may differ, relatively, from the one that the bound is computed of: it
  // was rounded on its way in. Missing: not at all.
  c10::SmallVector<double, 4> operands;
  c10::SmallVector<double, 4> results;  // unit of each result's datatype
};

// What a bound depends on beside the tensors.
struct BoundContext {
  double layer_norm_epsilon = 1e-5;
  double loss_targets = 1;  // N
  double loss_scale = 1;
};

// For each output one bound of || computed - exact ||; nothing for an operation that has none.
using Bounds = c10::SmallVector<std::optional<double>, 4>;
Bounds forward_bounds(const Node& node, at::TensorList in, at::TensorList out,
                      const Rounding& rounding, const BoundContext& context);
// `in` as in the forward pass; `given` the gradients of the outputs, `made` those of the inputs.
Bounds backward_bounds(const Node& node, at::TensorList in, at::TensorList given,
                       at::TensorList made, const Rounding& rounding, const BoundContext& context);
// A backward half is linear in the gradients that it is given: how much farther than they its
// results can move, at most. Nothing for an operation that has no bound.
Bounds backward_gains(const Node& node, at::TensorList in, at::TensorList given,
                      at::TensorList made, const BoundContext& context);

}  // namespace dtbench
