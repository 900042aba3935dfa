#include "engine/optim/clip.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench {

double global_norm(const std::vector<at::Tensor>& gradients, double factor) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients)
    norms.push_back(at::linalg_vector_norm(gradient, 2, /*dim=*/c10::nullopt, /*keepdim=*/false,
                                           accumulation_type(gradient.scalar_type())));
  return at::linalg_vector_norm(at::stack(norms) * factor, 2).item<double>();
}

double clip_coefficient(double norm, double max_norm) {
  const double coefficient = max_norm / (norm + 1e-6);
  return coefficient < 1 ? coefficient : 1;
}

void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient) {
  const c10::NoGradGuard no_grad;
  if (coefficient < 1) at::_foreach_mul_(gradients, coefficient);
}

}  // namespace dtbench
