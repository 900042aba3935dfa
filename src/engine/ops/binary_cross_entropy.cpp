#include "engine/ops/binary_cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

class BinaryCrossEntropy : public torch::autograd::Function<BinaryCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& logits,
                            const at::Tensor& targets, double count, double scale) {
    const at::ScalarType inside = accumulation_type(logits.scalar_type());
    const at::Tensor values = logits.to(inside), truth = targets.to(inside);
    if (logits.requires_grad())
      context->saved_data["gradient"] =
          at::sigmoid(values).sub_(truth).mul_(scale / count).to(logits.scalar_type());
    // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) overflows for no x.
    const at::Tensor losses =
        values.clamp_min(0) + values.abs().neg_().exp_().log1p_() - truth * values;
    return losses.sum(at::kDouble) / count;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    return {context->saved_data["gradient"].toTensor(), {}, {}, {}};
  }
};

}  // namespace

at::Tensor binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                                const LossNormalizer& normalizer) {
  return BinaryCrossEntropy::apply(logits, targets, normalizer.count, normalizer.scale);
}

at::Tensor binary_cross_entropy_chain(const at::Tensor& logits, const at::Tensor& targets,
                                      const LossNormalizer& normalizer) {
  // torch computes in the targets' datatype all but the log-sigmoid.
  const at::Tensor truth = targets.to(accumulation_type(logits.scalar_type()));
  const at::Tensor mean =
      at::binary_cross_entropy_with_logits(logits, truth, {}, {}, at::Reduction::Mean);
  return mean_as_share(mean, targets.numel(), normalizer);
}

}  // namespace dtbench::ops
