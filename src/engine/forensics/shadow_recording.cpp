#include "engine/forensics/shadow_recording.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <utility>

#include "engine/forensics/rounding_bounds.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

// A copy even where it is on the host: gradients are added up and clipped in place.
Tensors on_host(at::TensorList tensors) {
  Tensors copies;
  for (const at::Tensor& x : tensors)
    copies.push_back(x.defined() ? x.to(at::kCPU, x.scalar_type(), /*non_blocking=*/false,
                                        /*copy=*/true)
                                 : x);
  return copies;
}

}  // namespace

at::ScalarType first_floating(at::TensorList tensors) {
  for (const at::Tensor& x : tensors)
    if (is_floating(x)) return x.scalar_type();
  return at::kFloat;
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const double length = norm_of(b);
  if (!std::isfinite(length)) return std::nan("");
  const double difference = norm_of(a.to(at::kDouble) - b.to(at::kDouble));
  if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
  return difference == 0 ? 0 : difference / length;
}

double flushed_share(const at::Tensor& a, const at::Tensor& b) {
  if (a.numel() == 0) return 0;
  return at::logical_and(a == 0, b != 0).sum().item<double>() / static_cast<double>(a.numel());
}

void ShadowRecording::on_node(const Node& node, Phase phase, at::TensorList in,
                              at::TensorList out) {
  if (passes_ != 1) return;
  const bool backward = phase == Phase::kBackward;
  RecordedNode recorded{phase,
                        std::string(node.operation),
                        std::string(node.module),
                        node.layer,
                        backward ? on_host(in) : Tensors{},
                        {},
                        first_floating(in),
                        {},
                        node.operation == "cast"};
  if (recorded.is_cast) {
    const double unit = unit_roundoff(out[0].scalar_type());
    recorded.cast_bound = unit > unit_roundoff(in[0].scalar_type()) ? unit : 0;
    recorded.cast_error = relative_error(out[0], in[0]);
    recorded.cast_flushed = flushed_share(out[0], in[0]);
    if (!backward) rounded_by_[node.outputs[0]] = recorded.cast_bound;
  } else {
    recorded.made = on_host(out);
    if (!backward)
      for (const std::int32_t input : node.inputs) {
        const auto found = rounded_by_.find(input);
        recorded.rounded_by.push_back(found == rounded_by_.end() ? 0 : found->second);
      }
  }
  nodes_.push_back(std::move(recorded));
}

std::vector<RecordedNode> ShadowRecording::take_nodes() {
  for (RecordedNode& node : nodes_) {
    node.given.clear();
    node.made.clear();
  }
  return std::move(nodes_);
}

std::int64_t ShadowRecording::bytes() const {
  std::size_t bytes = 0;
  for (const RecordedNode& node : nodes_)
    for (const Tensors* tensors : {&node.given, &node.made})
      for (const at::Tensor& x : *tensors)
        if (x.defined()) bytes += x.nbytes();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace dtbench
