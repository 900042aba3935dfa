#include "engine/ops/cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

class CrossEntropy : public torch::autograd::Function<CrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits,
                            const at::Tensor& targets, double count, double scale) {
    const LossAndGradient result = cross_entropy_with_gradient(
        logits.clone(), targets, {count, scale}, logits.requires_grad());
    context->saved_data["gradient"] = result.gradient;
    return result.loss_sum / count;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    return {context->saved_data["gradient"].toTensor(), {}, {}, {}};
  }
};

}  // namespace

LossAndGradient cross_entropy_with_gradient(const at::Tensor& logits, const at::Tensor& targets,
                                            const LossNormalizer& normalizer, bool want_gradient) {
  const at::ScalarType stored = logits.scalar_type();
  at::Tensor values = logits.to(accumulation_type(stored));
  const at::Tensor rows = targets.unsqueeze(1);
  const at::Tensor log_sum = at::logsumexp(values, /*dim=*/{1}, /*keepdim=*/true);
  LossAndGradient result;
  result.loss_sum = (log_sum - values.gather(1, rows)).sum(at::kDouble);
  if (want_gradient) {
    values.sub_(log_sum).exp_();
    values.scatter_add_(1, rows, at::full_like(rows, -1, values.options()));
    result.gradient = values.mul_(normalizer.scale / normalizer.count).to(stored);
  }
  return result;
}

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         const LossNormalizer& normalizer) {
  return CrossEntropy::apply(logits, targets, normalizer.count, normalizer.scale);
}

}  // namespace dtbench::ops
