#include "engine/ops/loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace dtbench::ops {
namespace {

class MeanAsShare : public torch::autograd::Function<MeanAsShare> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& mean,
                            double share, double scale) {
    context->saved_data["gradient"] = at::full({}, scale * share, mean.options());
    return mean.to(at::kDouble) * share;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list&) {
    return {context->saved_data["gradient"].toTensor(), {}, {}};
  }
};

}  // namespace

at::Tensor mean_as_share(const at::Tensor& mean, std::int64_t targets,
                         const LossNormalizer& normalizer) {
  return MeanAsShare::apply(mean, static_cast<double>(targets) / normalizer.count,
                            normalizer.scale);
}

}  // namespace dtbench::ops
