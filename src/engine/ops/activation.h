// Activations. As kernels they compute in fp32 inside and round once; the composite forms of GELU
// are Transformers' chains of operations, each of which rounds.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/numerics/compute_rules.h"

namespace dtbench::ops {

// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2): GPT-2's.
// Composite: Transformers' gelu_new.
at::Tensor gelu_tanh(const at::Tensor& x, const ComputeRules& rules);

// x Phi(x): RoBERTa's. Composite: Transformers' gelu_python.
at::Tensor gelu_exact(const at::Tensor& x, const ComputeRules& rules);

at::Tensor tanh(const at::Tensor& x);

}  // namespace dtbench::ops
