// Activations. As kernels they compute in fp32 inside and round once; the composite forms of GELU
// are Transformers' chains of operations, each of which rounds.
#pragma once

#include "engine/numerics/compute_rules.h"
#include "engine/tape/tape.h"

namespace dtbench::ops {

// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2): GPT-2's.
// Composite: Transformers' gelu_new.
Value gelu_tanh(Tape& tape, const Value& x, const ComputeRules& rules);

// x Phi(x): RoBERTa's. Composite: Transformers' gelu_python.
Value gelu_exact(Tape& tape, const Value& x, const ComputeRules& rules);

Value tanh(Tape& tape, const Value& x);

}  // namespace dtbench::ops
