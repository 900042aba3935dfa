#include "engine/ops/gpu_attention.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <array>
#include <tuple>

#include "engine/ops/attention.h"
#include "engine/ops/attention_numbers.h"

namespace dtbench::ops {
namespace {

// Torch's kernels add up a query's gradient in an order of chance unless they are told otherwise.
class InOneOrder {
 public:
  InOneOrder()
      : algorithms_(context().deterministicAlgorithms()),
        warns_(context().deterministicAlgorithmsWarnOnly()),
        fills_(context().deterministicFillUninitializedMemory()) {
    context().setDeterministicFillUninitializedMemory(false);
    context().setDeterministicAlgorithms(true, /*warn_only=*/false);
  }
  ~InOneOrder() {
    context().setDeterministicAlgorithms(algorithms_, warns_);
    context().setDeterministicFillUninitializedMemory(fills_);
  }
  InOneOrder(const InOneOrder&) = delete;
  InOneOrder& operator=(const InOneOrder&) = delete;

 private:
  static at::Context& context() { return at::globalContext(); }
  bool algorithms_, warns_, fills_;
};

Value flash(Tape& tape, const Value& query, const Value& key, const Value& value, bool causal) {
  const at::Tensor &q = query.tensor(), &k = key.tensor(), &v = value.tensor();
  const auto made = at::_scaled_dot_product_flash_attention(
      q, k, v, /*dropout_p=*/0.0, causal, /*return_debug_mask=*/false, attention_scale(q));
  return tape.record("attention", {query, key, value}, std::get<0>(made),
                     [q, k, v, made, causal](Tensors dy) -> Tensors {
                       const auto& [output, log_sum, lengths_q, lengths_k, longest_q, longest_k,
                                    seed, offset, none] = made;
                       const InOneOrder guard;
                       auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_backward_symint(
                           dy[0], q, k, v, output, log_sum, lengths_q, lengths_k, longest_q,
                           longest_k, /*dropout_p=*/0.0, causal, seed, offset, attention_scale(q));
                       return {dq, dk, dv};
                     });
}

at::Tensor composed_mask(const KeyMask& mask, const at::Tensor& query) {
  const at::Tensor real = mask.padding.defined() ? mask.padding.logical_not() : at::Tensor();
  return mask.causal ? causal_mask(query.size(2), real, query.device()) : padding_mask(real);
}

// Lowest finite number where a query may not look, [B, H, T, T]. The kernel reads whole vectors of
// eight.
at::Tensor bias_of(const at::Tensor& not_seen, const at::Tensor& query) {
  constexpr std::int64_t kVector = 8;
  const std::int64_t tokens = query.size(2), padded = (tokens + kVector - 1) / kVector * kVector;
  const at::Tensor bias = at::zeros({query.size(0), 1, not_seen.size(2), padded}, query.options())
                              .narrow(-1, 0, tokens);
  bias.masked_fill_(not_seen, lowest_of(query.scalar_type()));
  return bias.expand({query.size(0), query.size(1), tokens, tokens});
}

Value memory_efficient(Tape& tape, const Value& query, const Value& key, const Value& value,
                       const at::Tensor& not_seen) {
  const at::Tensor &q = query.tensor(), &k = key.tensor(), &v = value.tensor();
  const at::Tensor bias = bias_of(not_seen, q);
  const auto made = at::_scaled_dot_product_efficient_attention(
      q, k, v, bias, /*compute_log_sumexp=*/true, /*dropout_p=*/0.0, /*is_causal=*/false,
      attention_scale(q));
  return tape.record(
      "attention", {query, key, value}, std::get<0>(made),
      [q, k, v, bias, made](Tensors dy) -> Tensors {
        const auto& [output, log_sum, seed, offset] = made;
        const InOneOrder guard;
        auto [dq, dk, dv, dbias] = at::_scaled_dot_product_efficient_attention_backward(
            dy[0], q, k, v, bias, output, log_sum, seed, offset, /*dropout_p=*/0.0,
            std::array<bool, 4>{true, true, true, false}, /*is_causal=*/false, attention_scale(q));
        return {dq, dk, dv};
      });
}

}  // namespace

Value gpu_attention(Tape& tape, const Value& query, const Value& key, const Value& value,
                    const KeyMask& mask) {
  if (query.tensor().element_size() > 2)
    return attention(tape, query, key, value, composed_mask(mask, query.tensor()));
  if (!mask.padding.defined()) return flash(tape, query, key, value, mask.causal);
  return memory_efficient(tape, query, key, value, composed_mask(mask, query.tensor()));
}

}  // namespace dtbench::ops
