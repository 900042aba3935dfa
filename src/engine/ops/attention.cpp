#include "engine/ops/attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "config/block_sizes.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention_numbers.h"
#include "engine/ops/attention_softmax.h"
#include "engine/ops/matmul.h"

namespace dtbench::ops {
namespace {

// Samples, heads and query rows of a block of scores: [first, first + count) each.
struct Block {
  std::int64_t sample, samples, head, heads, row, rows;

  // x [B, H, T, D] or [B, H, T, T]-like: this block's queries.
  at::Tensor queries(const at::Tensor& x) const { return keys(x).narrow(2, row, rows); }
  // All tokens of this block's samples and heads.
  at::Tensor keys(const at::Tensor& x) const {
    return x.narrow(0, sample, samples).narrow(1, head, heads);
  }
  // A mask that broadcasts over heads and perhaps over samples and rows; undefined where there is
  // none.
  at::Tensor mask(const at::Tensor& x) const {
    if (!x.defined()) return x;
    at::Tensor part = x.size(0) == 1 ? x : x.narrow(0, sample, samples);
    return part.size(2) == 1 ? part : part.narrow(2, row, rows);
  }
};

std::vector<Block> blocks_of(const at::Tensor& query, std::int64_t block_bytes) {
  const std::int64_t samples = query.size(0), heads = query.size(1), tokens = query.size(2);
  const std::int64_t row_bytes = tokens * std::max<std::int64_t>(4, query.element_size());
  const std::int64_t rows_fit = std::max<std::int64_t>(1, block_bytes / row_bytes);
  const std::int64_t rows = std::min(rows_fit, tokens);
  const std::int64_t heads_at_once = std::clamp<std::int64_t>(rows_fit / tokens, 1, heads);
  const std::int64_t samples_at_once =
      std::clamp<std::int64_t>(rows_fit / (tokens * heads), 1, samples);
  std::vector<Block> blocks;
  for (std::int64_t b = 0; b < samples; b += samples_at_once)
    for (std::int64_t h = 0; h < heads; h += heads_at_once)
      for (std::int64_t r = 0; r < tokens; r += rows)
        blocks.push_back({b, std::min(samples_at_once, samples - b), h,
                          std::min(heads_at_once, heads - h), r, std::min(rows, tokens - r)});
  return blocks;
}

// Gradients of keys and values add up over the blocks of rows that look at them, unrounded.
class KeyGradient {
 public:
  KeyGradient(const at::Tensor& like, bool in_parts)
      : in_parts_(in_parts),
        sum_(in_parts ? at::zeros(like.sizes(),
                                  like.options().dtype(accumulation_type(like.scalar_type())))
                      : at::empty(like.sizes(), like.options())) {}

  void add(const Block& block, const at::Tensor& a, const at::Tensor& b) {
    at::Tensor part = block.keys(sum_);
    if (!in_parts_) {
      part.copy_(rounded_matmul(a, b));
      return;
    }
    // Rows are only split where a block is one head of one sample.
    at::Tensor sum = part[0][0];
    accumulate_matmul(sum, a[0][0], b[0][0]);
  }

  at::Tensor rounded(at::ScalarType type) const { return sum_.to(type); }

 private:
  bool in_parts_;
  at::Tensor sum_;
};

at::Tensor attention_forward(const at::Tensor& query, const at::Tensor& key,
                             const at::Tensor& value, const at::Tensor& mask,
                             std::int64_t block_bytes) {
  at::Tensor output = at::empty(query.sizes(), query.options());
  for (const Block& block : blocks_of(query, block_bytes)) {
    const at::Tensor probabilities = attention_probabilities(
        rounded_matmul(block.queries(query), block.keys(key).transpose(-1, -2)), block.mask(mask),
        attention_scale(query));
    block.queries(output).copy_(rounded_matmul(probabilities, block.keys(value)));
  }
  return output;
}

Tensors attention_backward(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                           const at::Tensor& mask, std::int64_t block_bytes,
                           const at::Tensor& output_gradient) {
  const at::ScalarType stored = query.scalar_type();
  const auto blocks = blocks_of(query, block_bytes);
  const bool in_parts = blocks.front().rows < query.size(2);

  at::Tensor query_gradient = at::empty(query.sizes(), query.options());
  KeyGradient key_gradient(key, in_parts), value_gradient(value, in_parts);
  for (const Block& block : blocks) {
    const at::Tensor upstream = block.queries(output_gradient);
    const ScoreGradient gradient = attention_softmax_backward(
        rounded_matmul(block.queries(query), block.keys(key).transpose(-1, -2)),
        rounded_matmul(upstream, block.keys(value).transpose(-1, -2)), block.mask(mask),
        attention_scale(query));
    value_gradient.add(block, gradient.probabilities.transpose(-1, -2), upstream);
    block.queries(query_gradient).copy_(rounded_matmul(gradient.scores, block.keys(key)));
    key_gradient.add(block, gradient.scores.transpose(-1, -2), block.queries(query));
  }
  return {query_gradient, key_gradient.rounded(stored), value_gradient.rounded(stored)};
}

}  // namespace

at::Tensor causal_mask(std::int64_t tokens, const at::Tensor& attention_mask,
                       const c10::Device& device) {
  const at::Tensor later = at::ones({tokens, tokens}, at::TensorOptions(device).dtype(at::kBool))
                               .triu(1)
                               .view({1, 1, tokens, tokens});
  return attention_mask.defined() ? later.logical_or(padding_mask(attention_mask)) : later;
}

at::Tensor padding_mask(const at::Tensor& attention_mask) {
  if (!attention_mask.defined()) return {};
  return attention_mask.logical_not().view({attention_mask.size(0), 1, 1, attention_mask.size(1)});
}

Value attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                const at::Tensor& mask) {
  return attention_in_blocks(
      tape, query, key, value, mask,
      query.tensor().is_cpu() ? kAttentionBlockBytes : kAttentionBlockBytesOnGpu);
}

AttentionMask make_mask(AttentionForm form, bool causal, std::int64_t tokens,
                        const at::Tensor& attention_mask, const c10::Device& device) {
  if (form == AttentionForm::kComposed)
    return {form,
            causal ? causal_mask(tokens, attention_mask, device) : padding_mask(attention_mask),
            {}};
  return {
      form, {}, {causal, attention_mask.defined() ? attention_mask.logical_not() : at::Tensor()}};
}

Value attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                const AttentionMask& mask) {
  return mask.form == AttentionForm::kComposed
             ? attention(tape, query, key, value, mask.composed)
             : fused_attention(tape, query, key, value, mask.fused);
}

Value attention_in_blocks(Tape& tape, const Value& query, const Value& key, const Value& value,
                          const at::Tensor& mask, std::int64_t block_bytes) {
  // Copied once here rather than by each matmul that takes a part of them.
  const at::Tensor q = query.tensor().contiguous(), k = key.tensor().contiguous(),
                   v = value.tensor().contiguous();
  return tape.record("attention", {query, key, value},
                     attention_forward(q, k, v, mask, block_bytes),
                     [q, k, v, mask, block_bytes](Tensors dy) -> Tensors {
                       return attention_backward(q, k, v, mask, block_bytes, dy[0].contiguous());
                     });
}

}  // namespace dtbench::ops
