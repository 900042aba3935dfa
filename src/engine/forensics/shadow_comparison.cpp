#include "engine/forensics/shadow_comparison.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

// By how much a number of `from` may change on its way into `to`.
double narrowing(at::ScalarType from, at::ScalarType to) {
  const double unit = unit_roundoff(to);
  return unit > unit_roundoff(from) ? unit : 0;
}

std::string name_of(std::string_view operation, std::string_view module) {
  return module.empty() ? std::string(operation) : concat(operation, " of ", module);
}

Rounding rounding_of(at::ScalarType operands, at::TensorList results,
                     const c10::SmallVector<double, 4>& rounded_by) {
  Rounding rounding{
      unit_roundoff(operands), unit_roundoff(accumulation_type(operands)), rounded_by, {}};
  for (const at::Tensor& x : results)
    rounding.results.push_back(is_floating(x) ? unit_roundoff(x.scalar_type()) : 0);
  return rounding;
}

std::optional<double> sum_of(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

// The norm of scale a - b, over all of them.
double distance(at::TensorList a, at::TensorList b, double scale) {
  double squares = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!is_floating(a[i]) || !is_floating(b[i])) continue;
    const double difference =
        norm_of(a[i].to(b[i].device(), at::kDouble) * scale - b[i].to(at::kDouble));
    squares += difference * difference;
  }
  return std::sqrt(squares);
}

// How near the bound, for the choice among results; one without a bound by its error.
double closeness(const std::optional<double>& error, const std::optional<double>& bound) {
  if (!error) return -1;
  if (!bound || *error == 0) return *error;
  return *error / *bound;
}

}  // namespace

ShadowComparison::ShadowComparison(const ShadowRecording& recorded, const ShadowSetting& setting,
                                   bool same_operands, std::vector<ShadowPlace>& places)
    : recorded_(recorded), setting_(setting), same_operands_(same_operands), places_(places) {
  places_.resize(recorded.nodes().size());
  for (std::size_t i = 0; i < recorded.nodes().size(); ++i)
    if (!recorded.nodes()[i].is_cast) matched_.push_back(i);
}

void ShadowComparison::on_begin() {
  ++passes_;
}

void ShadowComparison::on_leaf(std::int32_t id, std::string_view /*name*/) {
  if (watches()) rounded_by_[id] = narrowing(setting_.run_parameters, setting_.other_parameters);
}

double ShadowComparison::rounded_by(std::int32_t value) const {
  const auto found = rounded_by_.find(value);
  return found == rounded_by_.end() ? 0 : found->second;
}

const RecordedNode& ShadowComparison::counterpart(const Node& node, Phase phase) const {
  const RecordedNode* recorded =
      next_ < matched_.size() ? &recorded_.nodes()[matched_[next_]] : nullptr;
  if (recorded != nullptr && recorded->module == node.module &&
      recorded->is_backward() == (phase == Phase::kBackward))
    return *recorded;
  throw usage_error(
      concat("The two do not compute the same operations: where one has ",
             recorded == nullptr ? "none" : name_of(recorded->operation, recorded->module),
             ", the other has ", name_of(node.operation, node.module), "."),
      "Compare policies with the same loss and the same kind of model.");
}

void ShadowComparison::on_node(const Node& node, Phase phase, at::TensorList in,
                               at::TensorList out) {
  if (!watches()) return;
  if (node.operation == "cast") {
    if (phase != Phase::kBackward)
      rounded_by_[node.outputs[0]] =
          rounded_by(node.inputs[0]) + narrowing(in[0].scalar_type(), out[0].scalar_type());
    return;
  }
  const RecordedNode& recorded = counterpart(node, phase);
  if (!same_operands_) {
    compare(recorded, node, in, out, nullptr);
  } else {
    if (phase != Phase::kBackward) {
      Forward forward{Tensors(in.begin(), in.end()), &recorded, {}};
      for (const std::int32_t input : node.inputs)
        forward.rounded_by.push_back(rounded_by(input));
      forward_[node.outputs[0]] = std::move(forward);
    }
    const Bounds bounds = bounds_of(recorded, node, in, out);
    compare(recorded, node, in, out, &bounds);
    if (phase == Phase::kBackward) {
      forward_.erase(node.outputs[0]);
      hand_back(recorded, out);
    } else {
      hand_on(recorded, node, out);
    }
  }
  ++next_;
}

Bounds ShadowComparison::bounds_of(const RecordedNode& recorded, const Node& node,
                                   at::TensorList in, at::TensorList out) const {
  const Forward& forward = forward_.at(node.outputs[0]);
  const RecordedNode& first = *forward.recorded;
  if (first.operation != node.operation) return Bounds(out.size(), std::nullopt);
  const Rounding runs = rounding_of(first.operand_type, recorded.made, first.rounded_by);
  const Rounding others = rounding_of(first_floating(forward.in), out, forward.rounded_by);
  const auto with = [&](const Rounding& rounding) {
    return recorded.is_backward()
               ? backward_bounds(node, forward.in, in, out, rounding, setting_.bounds)
               : forward_bounds(node, in, out, rounding, setting_.bounds);
  };
  Bounds sum = with(runs);
  const Bounds second = with(others);
  for (std::size_t i = 0; i < sum.size(); ++i)
    sum[i] = sum_of(sum[i], second[i]);
  if (!recorded.is_backward()) return sum;
  // Gradients that meet are added up by each side in its own datatype.
  const double apart = distance(recorded.given, in, gradient_scale());
  if (apart == 0) return sum;
  const Bounds gains = backward_gains(node, forward.in, in, out, setting_.bounds);
  for (std::size_t i = 0; i < sum.size(); ++i)
    if (sum[i]) *sum[i] += gains[i].value_or(0) * apart;
  return sum;
}

void ShadowComparison::compare(const RecordedNode& recorded, const Node& node,
                               at::TensorList /*in*/, at::TensorList out, const Bounds* bounds) {
  ShadowPlace& place = places_[matched_[next_]];
  const double scale = recorded.is_backward() ? gradient_scale() : 1;
  double closest = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i >= recorded.made.size() || !is_floating(out[i]) || !is_floating(recorded.made[i]))
      continue;
    if (out[i].sizes() != recorded.made[i].sizes())
      throw usage_error(
          concat("The two differ in the shape of ", name_of(node.operation, node.module), "."));
    at::Tensor made = recorded.made[i].to(out[i].device());
    if (scale != 1) made = made.to(at::kDouble) * scale;
    const double error = relative_error(made, out[i]);
    if (std::isnan(error)) continue;
    if (bounds == nullptr) {
      place.apart = std::max(place.apart.value_or(0), error);
      continue;
    }
    std::optional<double> bound = (*bounds)[i];
    if (bound) {
      const double length = norm_of(out[i]);
      // Nothing is expected and nothing came: any bound holds. The norms are added up in fp64.
      const double measured = 1 + 2 * gamma_of(static_cast<double>(out[i].numel()), 0x1p-53);
      bound = length > 0 ? measured * *bound / length : std::numeric_limits<double>::infinity();
    }
    if (closeness(error, bound) <= closest) continue;
    closest = closeness(error, bound);
    place.result = i;
    place.error = error;
    place.bound = bound;
    place.flushed = flushed_share(made, out[i]);
    place.nonfinite = std::isinf(error);
  }
}

// From here on the other computes with what the recorded run made. Where it is: what the node has
// kept for its backward half is the same tensor.
void ShadowComparison::hand_on(const RecordedNode& recorded, const Node& node, at::TensorList out) {
  for (std::size_t i = 0; i < std::min(out.size(), recorded.made.size()); ++i) {
    if (!is_floating(out[i])) continue;
    const at::Tensor& here = out[i];
    here.copy_(recorded.made[i]);
    rounded_by_[node.outputs[i]] = narrowing(recorded.made[i].scalar_type(), here.scalar_type());
  }
}

// Likewise of gradients, but for those that something else looks at, too: an addition hands on the
// one that it was given.
void ShadowComparison::hand_back(const RecordedNode& recorded, at::TensorList out) const {
  for (std::size_t i = 0; i < std::min(out.size(), recorded.made.size()); ++i) {
    if (!is_floating(out[i]) || !is_floating(recorded.made[i])) continue;
    if (out[i].use_count() > 1 || out[i].storage().use_count() > 1) continue;
    const at::Tensor& here = out[i];
    here.copy_(gradient_scale() == 1 ? recorded.made[i]
                                     : recorded.made[i].to(at::kDouble) * gradient_scale());
  }
}

}  // namespace dtbench
