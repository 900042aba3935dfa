#include "engine/optim/weight_update.h"

#include <ATen/ATen.h>

#include "engine/optim/clip.h"

namespace dtbench {

WeightUpdate::WeightUpdate(ParameterSet& parameters, const DtypePolicy& policy,
                           const TrainSpec& train, std::int64_t seed)
    : parameters_(parameters),
      clip_norm_(train.clip_norm),
      optimizer_(make_optimizer(parameters, policy, train, seed)) {
  if (policy.loss_scaling) scaler_.emplace(policy.loss_scale);
}

double WeightUpdate::loss_scale() const {
  return scaler_ ? scaler_->scale() : 1.0;
}

WeightUpdate::Window WeightUpdate::finish_gradients() {
  const std::vector<at::Tensor> gradients = parameters_.gradients();
  const bool into_factor = scaler_ && gradients.front().element_size() == 2;
  Window window;
  if (into_factor) {
    window.factor = scaler_->inverse_scale();
    window.skipped = LossScaler::any_nonfinite(gradients);
  } else if (scaler_) {
    window.skipped = scaler_->unscale(gradients);
  }
  window.grad_norm = global_norm(gradients, window.factor);
  if (window.skipped) return window;
  const double coefficient = clip_coefficient(window.grad_norm, clip_norm_);
  if (into_factor)
    window.factor *= coefficient;
  else
    scale_gradients(gradients, coefficient);
  return window;
}

UpdateCounts WeightUpdate::apply(const Window& window, double learning_rate,
                                 std::uint32_t global_step) {
  UpdateCounts counts;
  if (!window.skipped) counts = optimizer_->step(learning_rate, window.factor, global_step);
  if (scaler_) scaler_->update(window.skipped);
  return counts;
}

bool WeightUpdate::scaler_is_exhausted() const {
  constexpr std::int64_t kMostSkipsInARow = 50;
  return scaler_ && (scaler_->skipped_in_a_row() >= kMostSkipsInARow || scaler_->scale() < 1);
}

std::vector<std::pair<std::string, at::Tensor>> WeightUpdate::named_states() const {
  auto states = optimizer_->named_states();
  if (!scaler_) return states;
  for (auto& state : scaler_->named_states())
    states.push_back(std::move(state));
  return states;
}

}  // namespace dtbench
