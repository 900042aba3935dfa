#include "engine/train/first_nonfinite.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

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
  const c10::NoGradGuard no_grad;
  const std::optional<NonFiniteTensor> first = find_first_nonfinite(tensors);
  if (!first) return std::nullopt;
  const std::string& name = parameters.all()[first->index].name;
  return NonFiniteEvent{step, -1, phase, kind_of(first->found), name, layer_of(name)};
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
