#include "engine/optim/clip.h"

#include <ATen/ATen.h>

#include "engine/numerics/scalar_type.h"

namespace dtbench {

double global_norm(const std::vector<at::Tensor>& gradients, double factor) {
  std::vector<at::Tensor> norms;
  for (const at::Tensor& gradient : gradients)
    norms.push_back(at::linalg_vector_norm(gradient, 2, /*dim=*/c10::nullopt, /*keepdim=*/false,
                                           accumulation_type(gradient.scalar_type())));
  return factor * at::linalg_vector_norm(at::stack(norms), 2).item<double>();
}

double clip_coefficient(double norm, double max_norm) {
  const double coefficient = max_norm / (norm + 1e-6);
  return coefficient < 1 ? coefficient : 1;
}

void scale_gradients(const std::vector<at::Tensor>& gradients, double coefficient) {
  if (coefficient == 1) return;
  // Not gradient.mul_(coefficient): in 16 bits that rounds the coefficient, too, and one below
  // 2^-14 in fp16 to few digits or none.
  for (const at::Tensor& gradient : gradients) {
    const at::ScalarType inside = accumulation_type(gradient.scalar_type());
    if (gradient.scalar_type() == inside)
      gradient.mul_(coefficient);
    else
      gradient.copy_(gradient.to(inside) * coefficient);
  }
}

}  // namespace dtbench
