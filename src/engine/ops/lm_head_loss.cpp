#include "engine/ops/lm_head_loss.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "config/block_sizes.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/cast.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/matmul.h"

namespace dtbench::ops {
namespace {

// On a GPU, rows of zeros added, up to a multiple of 8: cuBLAS has its fast kernels for such sizes,
// and published vocabularies are odd.
at::Tensor with_aligned_rows(const at::Tensor& x) {
  constexpr std::int64_t kAlignment = 8;
  const std::int64_t beyond = x.defined() && x.is_cuda() ? x.size(0) % kAlignment : 0;
  if (beyond == 0) return x;
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.front() = kAlignment - beyond;
  return at::cat({x, at::zeros(shape, x.options())});
}

// Logits, loss and gradients of all rows, chunk by chunk.
class LmHead {
 public:
  LmHead(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias)
      : stored_(weight.scalar_type()),
        vocabulary_(weight.size(0)),
        hidden_(matmul_operand(hidden)),
        weight_(with_aligned_rows(matmul_operand(weight))),
        bias_(with_aligned_rows(bias.defined() ? matmul_operand(bias) : bias)),
        chunk_(lm_head_chunk(hidden.size(0), weight.size(0), weight_.element_size(),
                             hidden.is_cpu() ? kLmHeadBytes : kLmHeadBytesOnGpu)) {}

  at::Tensor loss_sum(const at::Tensor& targets, const LossNormalizer& normalizer,
                      bool want_gradients) {
    at::Tensor sum = at::zeros({}, hidden_.options().dtype(at::kDouble));
    if (want_gradients) prepare_gradients();
    for (std::int64_t begin = 0; begin < hidden_.size(0); begin += chunk_) {
      const std::int64_t rows = std::min(chunk_, hidden_.size(0) - begin);
      const at::Tensor part = hidden_.narrow(0, begin, rows);
      const at::Tensor all = logits(part);  // those of added rows are 0, and stay it
      sum += cross_entropy_with_gradient(all.narrow(1, 0, vocabulary_),
                                         targets.narrow(0, begin, rows), normalizer, want_gradients)
                 .loss_sum;
      if (want_gradients) add_gradients(begin, part, matmul_operand(all));
    }
    return sum;
  }

  // Of hidden, weight and bias; undefined where none were wanted.
  Tensors take_gradients() {
    return {std::move(hidden_gradient_), without_added_rows(std::exchange(weight_gradient_, {})),
            without_added_rows(std::exchange(bias_gradient_, {}))};
  }

 private:
  at::Tensor without_added_rows(const at::Tensor& gradient) const {
    if (!gradient.defined()) return gradient;
    const at::Tensor rounded = gradient.to(stored_);
    return rounded.size(0) == vocabulary_ ? rounded : rounded.narrow(0, 0, vocabulary_);
  }

  at::Tensor logits(const at::Tensor& hidden) const {
    if (!bias_.defined()) return operand_matmul(hidden, weight_.t(), stored_);
    return at::addmm(bias_, hidden, weight_.t()).to(stored_);
  }

  // One chunk's gradient of the weight is one matmul, rounded as it is stored; those of several
  // add up in the accumulation datatype.
  bool in_one_chunk() const { return hidden_.size(0) > 0 && hidden_.size(0) <= chunk_; }

  void prepare_gradients() {
    const auto sums = weight_.options().dtype(accumulation_type(stored_));
    hidden_gradient_ = at::empty(hidden_.sizes(), hidden_.options().dtype(stored_));
    if (!in_one_chunk()) weight_gradient_ = at::zeros(weight_.sizes(), sums);
    if (bias_.defined()) bias_gradient_ = at::zeros(bias_.sizes(), sums);
  }

  void add_gradients(std::int64_t begin, const at::Tensor& hidden, const at::Tensor& gradient) {
    hidden_gradient_.narrow(0, begin, hidden.size(0))
        .copy_(operand_matmul(gradient, weight_, stored_));
    if (in_one_chunk())
      weight_gradient_ = operand_matmul(gradient.t(), hidden, stored_);
    else
      accumulate_matmul(weight_gradient_, gradient.t(), hidden);
    if (bias_gradient_.defined())
      bias_gradient_ +=
          gradient.sum(at::IntArrayRef{0}, /*keepdim=*/false, bias_gradient_.scalar_type());
  }

  at::ScalarType stored_;
  std::int64_t vocabulary_;
  at::Tensor hidden_, weight_, bias_;  // as operands of matmuls
  std::int64_t chunk_;
  at::Tensor hidden_gradient_, weight_gradient_, bias_gradient_;
};

}  // namespace

Value lm_head_loss(Tape& tape, const Value& hidden, const Value& weight, const Value& bias,
                   const at::Tensor& targets, const LossNormalizer& normalizer,
                   const ComputeRules& rules) {
  const Value input = as_operand(tape, CastOp::kMatmul, hidden, rules);
  const Value matrix = as_operand(tape, CastOp::kMatmul, weight, rules);
  const Value shift = as_operand(tape, CastOp::kMatmul, bias, rules);
  LmHead head(input.tensor(), matrix.tensor(), shift.tensor());
  const at::Tensor loss_sum = head.loss_sum(targets, normalizer, tape.differentiates());
  return tape.record("lm_head_loss", {input, matrix, shift}, loss_sum / normalizer.count,
                     [gradients = head.take_gradients()](const Tensors&) mutable -> Tensors {
                       // Handed over, not shared: the parameter takes it without a copy.
                       return std::move(gradients);
                     });
}

}  // namespace dtbench::ops
