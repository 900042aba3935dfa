#include "engine/ops/lm_head_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

class LmHeadLoss : public torch::autograd::Function<LmHeadLoss> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& weight, const at::Tensor& targets, double count,
                            double scale) {
    const bool want_gradient = hidden.requires_grad() || weight.requires_grad();
    at::Tensor loss_sum = at::zeros({}, hidden.options().dtype(at::kDouble));
    at::Tensor hidden_gradient, weight_gradient;
    if (want_gradient) {
      hidden_gradient = at::empty_like(hidden);
      weight_gradient = at::zeros(weight.sizes(),
                                  weight.options().dtype(accumulation_type(weight.scalar_type())));
    }
    const std::int64_t chunk = lm_head_chunk(weight.size(0), hidden.element_size());
    for (std::int64_t begin = 0; begin < hidden.size(0); begin += chunk) {
      const std::int64_t rows = std::min(chunk, hidden.size(0) - begin);
      const at::Tensor part = hidden.narrow(0, begin, rows);
      const LossAndGradient result = cross_entropy_with_gradient(
          at::mm(part, weight.t()), targets.narrow(0, begin, rows), {count, scale}, want_gradient);
      loss_sum += result.loss_sum;
      if (want_gradient) {
        at::Tensor rows_gradient = hidden_gradient.narrow(0, begin, rows);
        at::mm_out(rows_gradient, result.gradient, weight);
        accumulate_product(weight_gradient, result.gradient.t(), part);
      }
    }
    if (want_gradient) {
      context->saved_data["hidden"] = hidden_gradient;
      context->saved_data["weight"] = weight_gradient.to(weight.scalar_type());
    }
    return loss_sum / count;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    return {context->saved_data["hidden"].toTensor(),
            context->saved_data["weight"].toTensor(),
            {},
            {},
            {}};
  }

 private:
  // sum += a b, with the product's accumulation datatype kept.
  static void accumulate_product(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
    sum.addmm_(a.to(sum.scalar_type()), b.to(sum.scalar_type()));
  }
};

}  // namespace

std::int64_t lm_head_chunk(std::int64_t vocabulary, std::int64_t item_bytes) {
  constexpr std::int64_t kLogitsBytes = 32 << 20;
  return std::max<std::int64_t>(1, kLogitsBytes / (vocabulary * item_bytes));
}

at::Tensor lm_head_loss(const at::Tensor& hidden, const at::Tensor& weight,
                        const at::Tensor& targets, const LossNormalizer& normalizer) {
  return LmHeadLoss::apply(hidden, weight, targets, normalizer.count, normalizer.scale);
}

}  // namespace dtbench::ops
