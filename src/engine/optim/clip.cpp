#include "engine/optim/clip.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "engine/numerics/scalar_type.h"

namespace dtbench {

double clip_by_global_norm(const std::vector<at::Tensor>& gradients, double max_norm) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients)
    norms.push_back(at::linalg_vector_norm(gradient, 2, /*dim=*/c10::nullopt, /*keepdim=*/false,
                                           accumulation_type(gradient.scalar_type())));
  const double norm = at::linalg_vector_norm(at::stack(norms), 2).item<double>();
  // Not smaller than 1 also when the norm is NaN: the gradients are left as they are.
  const double coefficient = max_norm / (norm + 1e-6);
  if (coefficient < 1) at::_foreach_mul_(gradients, coefficient);
  return norm;
}

}  // namespace dtbench
