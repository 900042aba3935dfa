#include "engine/train/first_nonfinite.h"

#include <ATen/ATen.h>

#include <cmath>

#include "engine/numerics/finite.h"
#include "engine/tape/tape.h"

namespace dtbench {
namespace {

// "transformer.wte.weight" -> "transformer.wte"
std::string module_of(const std::string& parameter) {
  return parameter.substr(0, parameter.rfind('.'));
}

std::optional<NonFiniteEvent> first_nonfinite(const ParameterSet& parameters,
                                              const std::vector<at::Tensor>& tensors,
                                              std::int64_t step, Phase phase,
                                              const char* operation) {
  const std::optional<NonFiniteTensor> first = find_first_nonfinite(tensors);
  if (!first) return std::nullopt;
  const Parameter& parameter = parameters.all()[first->index];
  return NonFiniteEvent{step,           -1,
                        phase,          kind_of(first->found),
                        parameter.name, parameter.layer,
                        operation,      module_of(parameter.name)};
}

NonfiniteKind kind_of(double value) {
  return std::isnan(value) ? NonfiniteKind::kNan : NonfiniteKind::kInf;
}

}  // namespace

std::optional<NonFiniteEvent> first_nonfinite_loss(std::int64_t step, const at::Tensor& losses) {
  for (std::int64_t micro = 0; micro < losses.size(0); ++micro) {
    const double loss = losses[micro].item<double>();
    if (!std::isfinite(loss))
      return NonFiniteEvent{step, micro, Phase::kLoss, kind_of(loss), "loss", -1};
  }
  return std::nullopt;
}

std::optional<NonFiniteEvent> first_nonfinite_gradient(std::int64_t step, ParameterSet& parameters,
                                                       double norm) {
  if (std::isfinite(norm)) return std::nullopt;
  if (auto gradient =
          first_nonfinite(parameters, parameters.gradients(), step, Phase::kBackward, ""))
    return gradient;
  return NonFiniteEvent{step, -1, Phase::kBackward, kind_of(norm), "grad_norm", -1, "norm"};
}

std::optional<NonFiniteEvent> first_nonfinite_parameter(std::int64_t step,
                                                        const ParameterSet& parameters,
                                                        const char* optimizer) {
  return first_nonfinite(parameters, parameters.values(), step, Phase::kOptimizer, optimizer);
}

}  // namespace dtbench
