#include "engine/forensics/node_watch.h"

#include <ATen/ATen.h>

#include <cmath>

#include "base/text.h"
#include "engine/forensics/magnitude.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

constexpr std::size_t kLongestChain = 64;

std::string name_of(double value) {
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

// One element of x [..., I] times weight plus bias in fp64. `transposed`: weight is [O, I].
double matmul_element(at::TensorList in, bool transposed, std::int64_t element) {
  const at::Tensor weight = transposed ? in[1].t() : in[1];
  const std::int64_t outputs = weight.size(1);
  const at::Tensor row = in[0].reshape({-1, in[0].size(-1)})[element / outputs].to(at::kDouble);
  const std::int64_t column = element % outputs;
  double value = row.dot(weight.select(1, column).to(at::kDouble)).item<double>();
  if (in.size() > 2 && in[2].defined()) value += in[2][column].to(at::kDouble).item<double>();
  return value;
}

// The largest score of the sample and head that hold `element`, in fp64 and before the mask: what
// the scores' matmul had to hold. query, key [B, heads, T, D].
double largest_score(at::TensorList in, std::int64_t element) {
  const std::int64_t in_head = in[0].size(2) * in[0].size(3);
  const auto head = [&](const at::Tensor& x) {
    return x.contiguous().view({-1, x.size(2), x.size(3)})[element / in_head].to(at::kDouble);
  };
  return largest_magnitude(at::matmul(head(in[0]), head(in[1]).t()));
}

std::optional<double> exact_value(const Node& node, Phase phase, at::TensorList in,
                                  std::int64_t element) {
  if (phase == Phase::kBackward) return std::nullopt;
  if (node.operation == "linear") return matmul_element(in, /*transposed=*/true, element);
  if (node.operation == "conv1d") return matmul_element(in, /*transposed=*/false, element);
  if (node.operation == "attention") return largest_score(in, element);
  if (node.operation == "add" && in[0].sizes() == in[1].sizes())
    return in[0].flatten()[element].item<double>() + in[1].flatten()[element].item<double>();
  return std::nullopt;
}

void keep_larger(Headroom& most, const Node& node, const at::Tensor& x, double largest) {
  const double share = largest / largest_of(x.scalar_type());
  if (!(share > most.share)) return;
  most = {largest, share, std::string(node.operation), std::string(node.module)};
}

}  // namespace

void NodeWatch::begin_pass() {
  made_by_.clear();
}

void NodeWatch::on_leaf(std::int32_t id, std::string_view name) {
  made_by_[id] = name;
}

void NodeWatch::on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) {
  if (phase != Phase::kBackward)
    for (const std::int32_t output : node.outputs)
      made_by_[output] = concat("result of ", node.operation, ", ", node.module);
  bool finite = true;
  for (const at::Tensor& x : out) {
    if (!is_floating(x)) continue;
    const double largest = largest_magnitude(x);
    if (std::isfinite(largest)) {
      keep_larger(phase == Phase::kBackward ? gradients_ : activations_, node, x, largest);
      continue;
    }
    finite = false;
    if (!origin_) origin_ = describe(node, phase, in, x);
  }
  if (!finite && chain_.size() < kLongestChain)
    chain_.push_back({phase, std::string(node.operation), std::string(node.module)});
}

std::string NodeWatch::role(std::int32_t value) const {
  const auto found = made_by_.find(value);
  return found == made_by_.end() ? std::string("a constant") : found->second;
}

Origin NodeWatch::describe(const Node& node, Phase phase, at::TensorList in,
                           const at::Tensor& out) const {
  const at::ScalarType type = out.scalar_type();
  const std::int64_t element = first_nonfinite_element(out);
  Origin origin{phase,
                std::string(node.operation),
                std::string(node.module),
                node.layer,
                short_name(type),
                largest_of(type),
                out.sizes().vec(),
                element,
                name_of(out.flatten()[element].item<double>()),
                {},
                exact_value(node, phase, in, element)};
  const auto numbers = phase == Phase::kBackward ? node.outputs : node.inputs;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!is_floating(in[i])) continue;
    const std::string what = role(numbers[i]);
    origin.operands.push_back({phase == Phase::kBackward ? "gradient of " + what : what,
                               short_name(in[i].scalar_type()), largest_magnitude(in[i])});
  }
  return origin;
}

}  // namespace dtbench
