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
  if (found() || !any_nonfinite(out)) return;
  phase_ = phase;
  operation_ = node.operation;
  module_ = node.module;
  layer_ = node.layer;
}

}  // namespace dtbench
