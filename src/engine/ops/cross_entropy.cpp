#include "engine/ops/cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "engine/numerics/ignored_target.h"
#include "engine/numerics/plugin.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

// Rows worked on at a time: on a CPU as many as keep the passes over their logits in the cache; a
// GPU wants few launches.
std::int64_t rows_at_once(const at::Tensor& logits) {
  constexpr std::int64_t kCachedLogits = std::int64_t{1} << 18;
  const std::int64_t rows = logits.is_cpu() ? kCachedLogits / logits.size(1) : logits.size(0);
  return std::max<std::int64_t>(1, rows);
}

// One block of rows: adds its losses to `loss_sum` and overwrites `logits` by their gradient.
void block_loss(at::Tensor logits, const at::Tensor& targets, const at::Tensor& factor,
                bool want_gradient, at::Tensor& loss_sum) {
  if (logits.is_cuda() && logits.scalar_type() != at::kDouble) {
    at::Tensor losses = at::empty({logits.size(0)}, logits.options().dtype(at::kFloat));
    cuda_plugin().cross_entropy(logits, targets, factor, want_gradient, losses);
    loss_sum += losses.sum(at::kDouble);
    return;
  }
  at::Tensor values = logits.to(accumulation_type(logits.scalar_type()));
  const at::Tensor ignored = targets.eq(kIgnoredTarget);
  const at::Tensor classes = targets.masked_fill(ignored, 0);
  const at::Tensor at_target = values.gather(1, classes);
  const at::Tensor largest = values.amax(1, /*keepdim=*/true);
  values.sub_(largest).exp_();
  const at::Tensor sum = values.sum(1, /*keepdim=*/true);
  loss_sum += (largest + sum.log() - at_target).masked_fill_(ignored, 0).sum(at::kDouble);
  if (!want_gradient) return;
  values.scatter_add_(1, classes, -sum);  // (e - onehot sum) / sum = softmax - onehot
  values.mul_((factor.to(sum.scalar_type()) / sum).masked_fill_(ignored, 0));
  if (!values.is_same(logits)) logits.copy_(values);
}

// The backward pass starts from the rounded output, as torch's does.
class RoundedLogSoftmax : public torch::autograd::Function<RoundedLogSoftmax> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits) {
    const at::ScalarType inside = accumulation_type(logits.scalar_type());
    const at::Tensor output = at::log_softmax(logits.to(inside), 1).to(logits.scalar_type());
    context->save_for_backward({output});
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor output = context->get_saved_variables()[0];
    const at::ScalarType inside = accumulation_type(output.scalar_type());
    return {at::_log_softmax_backward_data(gradients[0].to(inside), output.to(inside), 1, inside)
                .to(output.scalar_type())};
  }
};

}  // namespace

LossAndGradient cross_entropy_with_gradient(const at::Tensor& logits, const at::Tensor& targets,
                                            const LossNormalizer& normalizer, bool want_gradient) {
  LossAndGradient result{at::zeros({}, logits.options().dtype(at::kDouble)), {}};
  const at::Tensor factor = normalizer.factor.to(logits.device());
  const std::int64_t block = rows_at_once(logits);
  for (std::int64_t begin = 0; begin < logits.size(0); begin += block) {
    const std::int64_t rows = std::min(block, logits.size(0) - begin);
    block_loss(logits.narrow(0, begin, rows), targets.narrow(0, begin, rows).unsqueeze(1), factor,
               want_gradient, result.loss_sum);
  }
  if (want_gradient) result.gradient = logits;
  return result;
}

Value cross_entropy(Tape& tape, const Value& logits, const at::Tensor& targets,
                    const LossNormalizer& normalizer) {
  const LossAndGradient result = cross_entropy_with_gradient(logits.tensor().clone(), targets,
                                                             normalizer, tape.differentiates());
  return tape.record(
      "cross_entropy", {logits}, result.loss_sum / normalizer.count,
      [gradient = result.gradient](const Tensors&) -> Tensors { return {gradient}; });
}

Value cross_entropy_chain(Tape& tape, const Value& logits, const at::Tensor& targets,
                          const LossNormalizer& normalizer) {
  return chain_loss(
      tape, "cross_entropy_chain", logits, targets.numel(), normalizer, [&](const at::Tensor& x) {
        const at::ScalarType stored = x.scalar_type();
        const at::Tensor picked = RoundedLogSoftmax::apply(x).gather(1, targets.unsqueeze(1));
        const at::Tensor sum = picked.to(accumulation_type(stored)).sum();
        // A micro-batch may be without a target: its share is 0, not 0 / 0.
        const std::int64_t count = std::max<std::int64_t>(1, targets.numel());
        return (-sum / static_cast<double>(count)).to(stored);
      });
}

}  // namespace dtbench::ops
