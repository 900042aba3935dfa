#include "engine/ops/lm_head_loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "engine/numerics/optional_tensor.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/product.h"

namespace dtbench::ops {
namespace {

// Gradients of hidden states, weight and bias, filled chunk by chunk.
class HeadGradients {
 public:
  HeadGradients(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                std::int64_t chunk)
      : one_chunk_(hidden.size(0) > 0 && hidden.size(0) <= chunk),
        weight_(weight),
        hidden_(at::empty_like(hidden)) {
    const auto sums = weight.options().dtype(accumulation_type(weight.scalar_type()));
    weight_sum_ = one_chunk_ ? at::empty_like(weight) : at::zeros(weight.sizes(), sums);
    if (bias.defined()) bias_sum_ = at::zeros(bias.sizes(), sums);
  }

  void add(std::int64_t begin, const at::Tensor& hidden, const at::Tensor& logits_gradient) {
    at::Tensor rows = hidden_.narrow(0, begin, hidden.size(0));
    product_out(rows, logits_gradient, weight_);
    if (one_chunk_)
      product_out(weight_sum_, logits_gradient.t(), hidden);
    else
      accumulate_product(weight_sum_, logits_gradient.t(), hidden);
    if (bias_sum_.defined())
      bias_sum_ +=
          logits_gradient.sum(at::IntArrayRef{0}, /*keepdim=*/false, bias_sum_.scalar_type());
  }

  at::Tensor hidden() const { return hidden_; }
  at::Tensor weight() const { return weight_sum_.to(weight_.scalar_type()); }
  at::Tensor bias() const {
    return bias_sum_.defined() ? bias_sum_.to(weight_.scalar_type()) : bias_sum_;
  }

 private:
  bool one_chunk_;  // then the weight's gradient is one product, rounded as it is stored
  at::Tensor weight_, hidden_, weight_sum_, bias_sum_;
};

class LmHeadLoss : public torch::autograd::Function<LmHeadLoss> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& weight, const std::optional<at::Tensor>& maybe_bias,
                            const at::Tensor& targets, double count, double scale) {
    const at::Tensor bias = tensor_or_undefined(maybe_bias);
    const bool want_gradient = hidden.requires_grad() || weight.requires_grad();
    const std::int64_t chunk = lm_head_chunk(weight.size(0), hidden.element_size());
    std::optional<HeadGradients> gradients;
    if (want_gradient) gradients.emplace(hidden, weight, bias, chunk);
    at::Tensor loss_sum = at::zeros({}, hidden.options().dtype(at::kDouble));
    for (std::int64_t begin = 0; begin < hidden.size(0); begin += chunk) {
      const std::int64_t rows = std::min(chunk, hidden.size(0) - begin);
      const at::Tensor part = hidden.narrow(0, begin, rows);
      const LossAndGradient result = cross_entropy_with_gradient(linear(part, weight, bias, {}),
                                                                 targets.narrow(0, begin, rows),
                                                                 {count, scale}, want_gradient);
      loss_sum += result.loss_sum;
      if (gradients) gradients->add(begin, part, result.gradient);
    }
    if (gradients) {
      context->saved_data["hidden"] = gradients->hidden();
      context->saved_data["weight"] = gradients->weight();
      context->saved_data["bias"] = gradients->bias();
    }
    return loss_sum / count;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    // Handed over, not shared: the leaf then takes the tensor as its gradient without a copy.
    const auto take = [&](const char* name) {
      return std::move(context->saved_data[name]).toTensor();
    };
    torch::autograd::variable_list result{take("hidden"), take("weight"), take("bias"), {}, {}, {}};
    context->saved_data.clear();
    return result;
  }
};

}  // namespace

std::int64_t lm_head_chunk(std::int64_t vocabulary, std::int64_t item_bytes) {
  constexpr std::int64_t kLogitsBytes = 64 << 20;
  return std::max<std::int64_t>(1, kLogitsBytes / (vocabulary * item_bytes));
}

at::Tensor lm_head_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                        const at::Tensor& targets, const LossNormalizer& normalizer,
                        const ComputeRules& rules) {
  return LmHeadLoss::apply(as_operand(CastOp::kProduct, hidden, rules),
                           as_operand(CastOp::kProduct, weight, rules),
                           optional_tensor(as_operand(CastOp::kProduct, bias, rules)), targets,
                           normalizer.count, normalizer.scale);
}

}  // namespace dtbench::ops
