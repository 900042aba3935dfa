// Attention's softmax over the scores of one block, and its backward pass, with the rounding points
// of ops/attention.h: scores and their gradients come and go in the datatype of the matmuls, all
// between is in fp32 (fp64 for fp64).
#pragma once

#include <ATen/core/Tensor.h>

namespace dtbench::ops {

// softmax(scores x scale, masked keys out), rounded to the scores' datatype. `scores`
// [b, h, r, T] are given up: the result may take their memory. `mask`, bool, broadcasts to
// them; it may be undefined.
at::Tensor attention_probabilities(at::Tensor scores, const at::Tensor& mask, double scale);

struct ScoreGradient {
  at::Tensor probabilities;  // A, rounded
  at::Tensor scores;         // A (dA - sum A dA) x scale with the unrounded A, rounded once
};

// `gradient` [b, h, r, T]: dA, in the scores' datatype; given up as they are.
ScoreGradient attention_softmax_backward(at::Tensor scores, at::Tensor gradient,
                                         const at::Tensor& mask, double scale);

}  // namespace dtbench::ops
