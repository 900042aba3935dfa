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
//   needed = 3 x 2 x (R L 12 C^2 + 2 L C S a + head): 2 FLOPs a multiply-add, the backward pass
//     twice the forward, matrix products only. R real tokens, L layers, C width, S the sum of
//     squared real lengths, a = 1/2 for causal attention (GPT-2) and 1 for full (RoBERTa).
//     head, language model: targets x (C V, RoBERTa + C^2); classification: samples x (C labels,
//     RoBERTa + C^2).
//   palm = (6 N + 12 L H Q T) x padded tokens; N = parameter_count, H heads of Q = C / H channels.
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

// Bytes held at the peak of a step, estimated to first order; by part.
//   parameters: N in their datatype; under mixed precision also the 16-bit copies of the layers'
//     product weights.
//   gradients: N in theirs. optimizer_state: two moments each in theirs (8-bit: 1 + 4/256 bytes an
//     element; tensors small enough to keep fp32 are not told apart), one more weight for Kahan.
//   activations, of one micro-batch, kept for the backward pass by the reference engine: per token
//     and layer C x (14 in the compute datatype, 2 residuals in the parameters', 2 mask bytes) and
//     heads x T attention probabilities. Logits, which the chunked head never holds whole, the
//     embedding's output and the allocator's rounding are left out.
struct MemoryEstimate {
  std::int64_t parameters, gradients, optimizer_state, activations, total;
};
MemoryEstimate estimate_memory(const RunSpec& spec, const ModelShape& shape);

}  // namespace dtbench
