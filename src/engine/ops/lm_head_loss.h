// The language-model head and its loss as one operation: product with the (tied) embedding and
// softmax cross-entropy, a chunk of tokens at a time, so that vocabulary-wide logits never exist
// for the whole batch. The gradient is computed with the loss, in the same pass.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/ops/cross_entropy.h"

namespace dtbench::ops {

// hidden [n, C] at the target positions, weight [V, C], targets [n] int64. Returns the fp64 scalar
// loss sum / count, the root of its graph: call backward on it with gradient 1. The weight's
// gradient accumulates over chunks in fp32 (fp64 for fp64) and is rounded once.
at::Tensor lm_head_loss(const at::Tensor& hidden, const at::Tensor& weight,
                        const at::Tensor& targets, const LossNormalizer& normalizer);

// Tokens in a chunk: as many as keep its logits within 32 MiB, at least one.
std::int64_t lm_head_chunk(std::int64_t vocabulary, std::int64_t item_bytes);

}  // namespace dtbench::ops
