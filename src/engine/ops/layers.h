// The operations of a transformer block that act on each token alone, in the order of torch and
// Transformers. Each is differentiable; accumulation is in fp32 inside (fp64 for fp64).
#pragma once

#include <ATen/core/Tensor.h>

namespace dtbench::ops {

// Rows of `weight` [V, C] at `ids` [...] int64: [..., C].
at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids);

// x [..., I] times weight [I, O] plus bias [O]: GPT-2's Conv1D, whose weight is stored [in, out].
at::Tensor conv1d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// x [..., I] times weight [O, I] transposed, without bias.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight);

// Over the last dimension (Ba, Kiros and Hinton 2016, arXiv 1607.06450).
at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon);

// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2).
at::Tensor gelu_tanh(const at::Tensor& x);

}  // namespace dtbench::ops
