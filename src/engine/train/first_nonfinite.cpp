#include "engine/train/first_nonfinite.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdlib>
#include <string_view>

#include "engine/numerics/finite.h"

namespace dtbench {
namespace {

// "transformer.h.3.mlp.c_fc.weight", "roberta.encoder.layer.3.output.dense.weight" -> 3; -1 outside
// the layers.
std::int64_t layer_of(const std::string& name) {
  for (const std::string_view list : {".h.", ".layer."}) {
    const std::size_t at = name.find(list);
    if (at != std::string::npos) return std::atoll(name.c_str() + at + list.size());
  }
  return -1;
}

std::optional<NonFiniteEvent> first_nonfinite(const ParameterSet& parameters,
                                              const std::vector<at::Tensor>& tensors,
                                              std::int64_t step, const char* phase) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = parameters.all()[i].name;
    if (const NonFinite found = find_nonfinite(tensors[i].detach()))
      return NonFiniteEvent{step, -1, phase, kind_of(found), name, layer_of(name)};
  }
  return std::nullopt;
}

const char* kind_of(double value) {
  return std::isnan(value) ? "nan" : "inf";
}

}  // namespace

std::optional<NonFiniteEvent> first_nonfinite_loss(std::int64_t step, const at::Tensor& losses) {
  for (std::int64_t micro = 0; micro < losses.size(0); ++micro) {
    const double loss = losses[micro].item<double>();
    if (!std::isfinite(loss)) return NonFiniteEvent{step, micro, "loss", kind_of(loss), "loss", -1};
  }
  return std::nullopt;
}

std::optional<NonFiniteEvent> first_nonfinite_gradient(std::int64_t step,
                                                       const ParameterSet& parameters,
                                                       double norm) {
  if (std::isfinite(norm)) return std::nullopt;
  if (auto gradient = first_nonfinite(parameters, parameters.gradients(), step, "backward"))
    return gradient;
  return NonFiniteEvent{step, -1, "backward", kind_of(norm), "grad_norm", -1};
}

std::optional<NonFiniteEvent> first_nonfinite_parameter(std::int64_t step,
                                                        const ParameterSet& parameters) {
  return first_nonfinite(parameters, parameters.values(), step, "optimizer");
}

}  // namespace dtbench
