// What a model costs, by formula: parameters, FLOPs by the contract's two rules, memory.
#pragma once

#include <cstdint>

#include "config/run_spec.h"

namespace dtbench {

struct ModelShape {
  Registered<ModelFamily> architecture;
  Registered<Task> objective;
  std::int64_t layers, width, heads, positions, vocab, labels;  // labels: outputs
                                                                // of the head; 0: language models
  AttentionForm attention = AttentionForm::kComposed;
};

// vocab and labels from the data's store.
ModelShape model_shape(const RunSpec& spec, std::int64_t vocab, std::int64_t labels);

// Trainable parameters, tied weights once; those of the embedding tables among them; and the
// weights of one layer's matrix products: q, k, v and output of the attention, two layers of the
// MLP.
std::int64_t parameter_count(const ModelShape& shape);
std::int64_t embedding_parameters(const ModelShape& shape);
std::int64_t layer_matmul_weights(const ModelShape& shape);

// FLOPs of one global step, forward and backward, the same for every policy and engine.
//   needed = 3 x 2 x (R L W + 2 L C S a + n H): 2 FLOPs a multiply-add, the backward pass twice the
//     forward, matrix products only. R real tokens, L layers, W a layer's product weights, C width,
//     S the sum of squared real lengths, a = 1/2 for causal attention and 1 for full. n targets of
//     a language model or documents of another, H the head's product weights. W and H are the
//     family's (config/model_family.h).
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

// Every sequence full: the global step that a spec asks for, before any data is seen. Of a masked
// language model's tokens 15 % are targets.
StepTokens full_step(const RunSpec& spec);

}  // namespace dtbench
