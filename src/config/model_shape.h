// What a model costs, by formula: parameters, FLOPs by the contract's two rules, memory.
#pragma once

#include <cstdint>

#include "config/run_spec.h"

namespace dtbench {

struct ModelShape {
  Architecture architecture;
  Objective objective;
  std::int64_t layers, width, heads, positions, vocab, labels;  // labels: 0 for language models
};

// vocab and labels from the data's store.
ModelShape model_shape(const RunSpec& spec, std::int64_t vocab, std::int64_t labels);

// Trainable parameters, tied weights once.
std::int64_t parameter_count(const ModelShape& shape);

// FLOPs of one global step, forward and backward, the same for every policy and engine.
struct StepFlops {
  double needed;  // real tokens, causal attention half, LM head at targets only
  double palm;    // (6N + 12 L H Q T) per padded token (Chowdhery et al. 2022, appendix B)
};
// `real_tokens`, `padded_tokens`, `targets` of the global batch; `length` is the padded length T;
// `sum_squared_lengths` is the sum of (real tokens)^2 over the samples (for attention).
struct StepTokens {
  std::int64_t real_tokens, padded_tokens, targets, samples, length;
  double sum_squared_lengths;
};
StepFlops step_flops(const ModelShape& shape, const StepTokens& tokens);

// Bytes held at the peak of a step, estimated; by part.
struct MemoryEstimate {
  std::int64_t parameters, gradients, optimizer_state, activations, total;
};
MemoryEstimate estimate_memory(const RunSpec& spec, const ModelShape& shape);

}  // namespace dtbench
