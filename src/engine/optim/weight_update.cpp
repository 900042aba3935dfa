#include "engine/optim/weight_update.h"

#include <ATen/ATen.h>

#include "engine/numerics/plugin.h"
#include "engine/optim/clip.h"
#include "engine/optim/stored_norm.h"

namespace dtbench {
namespace {

std::int64_t micro_batches(const TrainSpec& train) {
  return (train.batch + train.micro_batch - 1) / train.micro_batch;
}

void decide(DeviceScalars& scalars, const DecisionRule& rule) {
  const at::Tensor losses = scalars.losses();
  if (StepScalars* here = scalars.at_hand())
    decide_update(*here, rule, losses.const_data_ptr<double>(), losses.numel());
  else
    cuda_plugin().decide_update(scalars.address(), rule, losses);
}

void end(DeviceScalars& scalars, const std::optional<LossScaler>& scaler) {
  const ScaleRule rule = scaler ? scaler->rule() : ScaleRule{};
  if (StepScalars* here = scalars.at_hand())
    end_update(*here, scaler.has_value(), rule);
  else
    cuda_plugin().end_update(scalars.address(), scaler.has_value(), rule, scalars.device().index());
}

}  // namespace

WeightUpdate::WeightUpdate(ParameterSet& parameters, const DtypePolicy& policy,
                           const TrainSpec& train, std::int64_t seed)
    : parameters_(parameters),
      clip_norm_(train.clip_norm),
      scalars_(parameters.all().front().value.device(), micro_batches(train)),
      optimizer_(make_optimizer(parameters, policy, train, seed)) {
  if (policy.loss_scaling) scaler_.emplace(policy.loss_scale, scalars_);
  scalars_.read();
}

LossNormalizer WeightUpdate::normalizer() const {
  return {scalars_.tensor(&StepScalars::targets),
          scalars_.tensor(&StepScalars::loss_scale_in_force)};
}

void WeightUpdate::record_loss(std::int64_t micro_batch, const at::Tensor& loss) {
  scalars_.losses()[micro_batch].copy_(loss);
}

void WeightUpdate::finish_gradients() {
  const std::vector<at::Tensor> gradients = parameters_.gradients();
  const DecisionRule rule{scaler_.has_value(), scaler_ && gradients.front().element_size() == 2,
                          clip_norm_};
  if (rule.into_factor)
    scaler_->find_overflow(gradients);
  else if (rule.scaled)
    scaler_->unscale(gradients);
  scalars_.tensor(&StepScalars::stored_norm).copy_(stored_norm(gradients));
  decide(scalars_, rule);
  if (!rule.into_factor) clip_gradients(gradients, scalars_);
}

void WeightUpdate::apply() {
  reach_ = optimizer_->step(scalars_);
  end(scalars_, scaler_);
}

void WeightUpdate::release() {
  scalars_.tensor(&StepScalars::held).zero_();
  scalars_.tensor(&StepScalars::update).fill_(1);
}

WeightUpdate::Window WeightUpdate::read() {
  const StepScalars& scalars = scalars_.read();
  return {scalars.grad_norm, scalars.skipped != 0, scalars.held != 0, scalars.gradient_factor};
}

UpdateCounts WeightUpdate::update_counts() const {
  const StepScalars& scalars = scalars_.known();
  if (scalars.update == 0) return {};
  return {reach_.elements, scalars.lost_weight_updates, scalars.lost_v_updates,
          scalars.zero_point_hits, reach_.eight_bit_elements};
}

bool WeightUpdate::scaler_is_exhausted() const {
  constexpr std::int64_t kMostSkipsInARow = 50;
  const StepScalars& scalars = scalars_.known();
  return scaler_ && (scalars.skipped_in_a_row >= kMostSkipsInARow || scalars.loss_scale < 1);
}

std::vector<std::pair<std::string, at::Tensor>> WeightUpdate::named_states() const {
  auto states = optimizer_->named_states();
  states.emplace_back("optimizer_updates", scalars_.state(&StepScalars::updates));
  if (!scaler_) return states;
  for (auto& state : scaler_->named_states())
    states.push_back(std::move(state));
  return states;
}

}  // namespace dtbench
