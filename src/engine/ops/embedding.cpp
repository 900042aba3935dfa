#include "engine/ops/embedding.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench::ops {
namespace {

// torch's backward pass on the CPU adds a row's gradients in the table's 16 bits: 512 additions of
// 1/512 give 0.5 in bf16. CUDA's adds them in fp32, as this does.
class Embedding16OnCpu : public torch::autograd::Function<Embedding16OnCpu> {
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
  const bool is_16_bit = weight.element_size() == 2;
  if (is_16_bit && weight.is_cpu()) return Embedding16OnCpu::apply(weight, ids, padding_index);
  return at::embedding(weight, ids, padding_index);
}

}  // namespace dtbench::ops
