#include "engine/ops/embedding.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

// torch's own backward pass adds a row's gradients in the table's 16 bits, on the CPU (512
// additions of 1/512 give 0.5 in bf16) and, for up to 3,072 ids, every 32 of them on CUDA.
class Embedding16 : public torch::autograd::Function<Embedding16> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& weight,
                            const at::Tensor& ids, std::int64_t padding_index) {
    context->save_for_backward({ids});
    context->saved_data["rows"] = weight.size(0);
    context->saved_data["padding_index"] = padding_index;
    return at::embedding(weight, ids);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const at::Tensor& upstream = gradients[0];
    const at::Tensor summed = at::embedding_dense_backward(
        upstream.to(at::kFloat), context->get_saved_variables()[0],
        context->saved_data["rows"].toInt(), context->saved_data["padding_index"].toInt(),
        /*scale_grad_by_freq=*/false);
    return {summed.to(upstream.scalar_type()), {}, {}};
  }
};

}  // namespace

at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids, std::int64_t padding_index) {
  if (weight.element_size() == 2) return Embedding16::apply(weight, ids, padding_index);
  return at::embedding(weight, ids, padding_index);
}

}  // namespace dtbench::ops
