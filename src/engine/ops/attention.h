// Scaled dot-product attention (Vaswani et al. 2017, arXiv 1706.03762, section 3.2.1) as plain
// matmuls: no kernel that would multiply fp32 on tensor cores, and no scores of the whole batch in
// memory. Scores exist a block at a time and are computed again in the backward pass.
#pragma once

#include "config/attention_form.h"
#include "engine/ops/fused_attention.h"
#include "engine/tape/tape.h"

namespace dtbench::ops {

// A mask: true where a query may not look at a key, bool, broadcast to [B, H, T, T]. A masked score
// gets the lowest finite number, so that a row without any allowed key has the uniform distribution
// rather than NaN, as in Transformers.

// [B, 1, T, T], or [1, 1, T, T] without padding: keys after the query, and padding.
// `attention_mask` [B, T] bool, or undefined when every token is real.
at::Tensor causal_mask(std::int64_t tokens, const at::Tensor& attention_mask,
                       const c10::Device& device);

// [B, 1, 1, T]: padding; undefined without.
at::Tensor padding_mask(const at::Tensor& attention_mask);

// softmax(query key^T / sqrt(D), masked keys out) value, for query, key and value [B, H, T, D]
// of one datatype. Returns [B, H, T, D]. `mask` may be undefined. Rounding points: the scores,
// the probabilities, the output; the softmax with scale and mask is in fp32 (fp64 for fp64).
Value attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                const at::Tensor& mask);

// The mask of one pass, as the form needs it: composed attention's [B or 1, 1, T or 1, T], or what
// fused attention reads.
struct AttentionMask {
  AttentionForm form = AttentionForm::kComposed;
  at::Tensor composed;
  KeyMask fused;
};
// `attention_mask` as above.
AttentionMask make_mask(AttentionForm form, bool causal, std::int64_t tokens,
                        const at::Tensor& attention_mask, const c10::Device& device);

// In the mask's form.
Value attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                const AttentionMask& mask);

// Likewise, with at most so many bytes of scores in a block (config/block_sizes.h): more are split
// by samples, then heads, then rows of queries.
Value attention_in_blocks(Tape& tape, const Value& query, const Value& key, const Value& value,
                          const at::Tensor& mask, std::int64_t block_bytes);

}  // namespace dtbench::ops
