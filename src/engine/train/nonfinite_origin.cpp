#include "engine/train/nonfinite_origin.h"

#include <ATen/ATen.h>

#include "engine/numerics/finite.h"

namespace dtbench {
namespace {

bool any_nonfinite(at::TensorList tensors) {
  for (const at::Tensor& tensor : tensors)
    if (tensor.defined() && find_nonfinite(tensor.contiguous())) return true;
  return false;
}

}  // namespace

void NonFiniteOrigin::on_node(const Node& node, Phase phase, at::TensorList /*in*/,
                              at::TensorList out) {
  if (place_ || !any_nonfinite(out)) return;
  place_ = Place{phase, std::string(node.operation), std::string(node.module), node.layer};
}

}  // namespace dtbench
