#include "engine/ops/fused_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention_numbers.h"
#include "engine/ops/gpu_attention.h"

namespace dtbench::ops {
namespace {

// Queries at a time: what keeps their scores in a core's second cache.
std::int64_t rows_at_once(std::int64_t tokens) {
  constexpr std::int64_t kScores = 32768, kFewest = 16, kMost = 128;
  return std::clamp(kScores / tokens, kFewest, kMost);
}

// One head of one sample: the operands [T, D] in the accumulation datatype, with their values as
// stored.
struct Head {
  at::Tensor query, key, value;
};

// Of one sample.
class SampleMask {
 public:
  SampleMask(const KeyMask& mask, std::int64_t sample, std::int64_t tokens, const at::Tensor& later)
      : causal_(mask.causal), tokens_(tokens), later_(later) {
    if (!mask.padding.defined()) return;
    const at::Tensor padding = mask.padding[sample];
    if (!padding.any().item<bool>()) return;
    padding_ = padding;
    // The first real token; queries before it may look at no key, or all if all is padding.
    const auto* pads = padding.const_data_ptr<bool>();
    first_real_ = std::find(pads, pads + tokens, false) - pads;
  }

  // How many keys the queries [row, row + rows) have to look at.
  std::int64_t keys(std::int64_t row, std::int64_t rows) const {
    return !causal_ || row < first_real_ ? tokens_ : row + rows;
  }

  // Scores [rows, keys] of the queries from `row` on.
  void apply(at::Tensor& scores, std::int64_t row) const {
    const std::int64_t rows = scores.size(0), keys = scores.size(1);
    const double lowest = lowest_of(scores.scalar_type());
    if (causal_) {
      scores.narrow(1, row, rows)
          .masked_fill_(later_.narrow(0, 0, rows).narrow(1, 0, rows), lowest);
      scores.narrow(1, row + rows, keys - row - rows).fill_(lowest);
    }
    if (padding_.defined()) scores.masked_fill_(padding_.narrow(0, 0, keys), lowest);
  }

 private:
  bool causal_;
  std::int64_t tokens_, first_real_ = 0;
  at::Tensor later_, padding_;
};

// For one datatype and shape of query, key and value.
class FusedAttention {
 public:
  FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                 const KeyMask& mask)
      : query_(query),
        key_(key),
        value_(value),
        mask_(mask),
        stored_(query.scalar_type()),
        inside_(accumulation_type(stored_)),
        heads_(query.size(1)),
        tokens_(query.size(2)),
        rows_(rows_at_once(tokens_)),
        scale_(attention_scale(query)),
        later_(at::ones({rows_, rows_}, at::kBool).triu_(1)) {}

  // The output, and of each query's scores the largest and the sum of P, [B, H, T, 2].
  std::pair<at::Tensor, at::Tensor> forward() const {
    at::Tensor output = at::empty_like(query_);
    at::Tensor statistics =
        at::empty({query_.size(0), heads_, tokens_, 2}, query_.options().dtype(inside_));
    for_each_head([&](std::int64_t sample, std::int64_t head) {
      forward_head(head_at(sample, head), SampleMask(mask_, sample, tokens_, later_),
                   output[sample][head], statistics[sample][head]);
    });
    return {output, statistics};
  }

  Tensors backward(const at::Tensor& output, const at::Tensor& statistics,
                   const at::Tensor& gradient) const {
    Tensors gradients = {at::empty_like(query_), at::empty_like(key_), at::empty_like(value_)};
    for_each_head([&](std::int64_t sample, std::int64_t head) {
      const at::Tensor upstream = gradient[sample][head].to(inside_);
      const at::Tensor from_output =
          (upstream * output[sample][head].to(inside_)).sum(1, /*keepdim=*/true);  // sum dO O
      backward_head(
          head_at(sample, head), SampleMask(mask_, sample, tokens_, later_),
          statistics[sample][head], upstream, from_output,
          {gradients[0][sample][head], gradients[1][sample][head], gradients[2][sample][head]});
    });
    return gradients;
  }

 private:
  template <typename Body>
  void for_each_head(const Body& body) const {
    at::parallel_for(0, query_.size(0) * heads_, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        body(i / heads_, i % heads_);
    });
  }

  Head head_at(std::int64_t sample, std::int64_t head) const {
    return {query_[sample][head].to(inside_), key_[sample][head].to(inside_),
            value_[sample][head].to(inside_)};
  }

  // As stored, in the datatype that products are computed in.
  at::Tensor rounded(const at::Tensor& x) const {
    return stored_ == inside_ ? x : x.to(stored_).to(inside_);
  }

  template <typename Body>
  void for_each_block(const SampleMask& mask, const Body& body) const {
    for (std::int64_t row = 0; row < tokens_; row += rows_) {
      const std::int64_t rows = std::min(rows_, tokens_ - row);
      body(row, rows, mask.keys(row, rows));
    }
  }

  at::Tensor scores(const at::Tensor& queries, const at::Tensor& keys, const SampleMask& mask,
                    std::int64_t row) const {
    at::Tensor scores = at::mm(queries, keys.t()).mul_(scale_);
    mask.apply(scores, row);
    return scores;
  }

  void forward_head(const Head& head, const SampleMask& mask, const at::Tensor& output,
                    const at::Tensor& statistics) const {
    for_each_block(mask, [&](std::int64_t row, std::int64_t rows, std::int64_t keys) {
      at::Tensor p =
          scores(head.query.narrow(0, row, rows), head.key.narrow(0, 0, keys), mask, row);
      const at::Tensor largest = p.amax(1, /*keepdim=*/true);
      p.sub_(largest).exp_();
      const at::Tensor sum = p.sum(1, /*keepdim=*/true);
      output.narrow(0, row, rows)
          .copy_(at::mm(rounded(p), head.value.narrow(0, 0, keys)).div_(sum));
      statistics.narrow(0, row, rows).copy_(at::cat({largest, sum}, 1));
    });
  }

  void backward_head(const Head& head, const SampleMask& mask, const at::Tensor& statistics,
                     const at::Tensor& upstream, const at::Tensor& from_output,
                     const Tensors& gradients) const {
    at::Tensor key_gradient = at::zeros_like(head.key), value_gradient = at::zeros_like(head.value);
    for_each_block(mask, [&](std::int64_t row, std::int64_t rows, std::int64_t keys) {
      const at::Tensor queries = head.query.narrow(0, row, rows),
                       seen = head.key.narrow(0, 0, keys), above = upstream.narrow(0, row, rows),
                       known = statistics.narrow(0, row, rows);
      at::Tensor a = scores(queries, seen, mask, row);
      a.sub_(known.narrow(1, 0, 1)).exp_().div_(known.narrow(1, 1, 1));
      value_gradient.narrow(0, 0, keys).addmm_(rounded(a).t(), above);
      at::Tensor score_gradient = at::mm(above, head.value.narrow(0, 0, keys).t());
      score_gradient.sub_(from_output.narrow(0, row, rows)).mul_(a);
      const at::Tensor ds = rounded(score_gradient);
      gradients[0].narrow(0, row, rows).copy_(at::mm(ds, seen).mul_(scale_));
      key_gradient.narrow(0, 0, keys).addmm_(ds.t(), queries);
    });
    gradients[1].copy_(key_gradient.mul_(scale_));
    gradients[2].copy_(value_gradient);
  }

  at::Tensor query_, key_, value_;
  KeyMask mask_;
  at::ScalarType stored_, inside_;
  std::int64_t heads_, tokens_, rows_;
  double scale_;
  at::Tensor later_;  // [rows, rows]: keys after the query
};

}  // namespace

Value fused_attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                      const KeyMask& mask) {
  if (query.tensor().is_cuda()) return gpu_attention(tape, query, key, value, mask);
  FusedAttention attention(query.tensor().contiguous(), key.tensor().contiguous(),
                           value.tensor().contiguous(), mask);
  const auto made = attention.forward();  // the output, and what the backward pass needs of it
  return tape.record("attention", {query, key, value}, made.first,
                     [attention = std::move(attention), made](Tensors dy) -> Tensors {
                       return attention.backward(made.first, made.second, dy[0].contiguous());
                     });
}

}  // namespace dtbench::ops
