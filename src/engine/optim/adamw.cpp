#include "engine/optim/adamw.h"

#include <ATen/ATen.h>

#include <stdexcept>

#include "engine/optim/blockwise_8bit.h"
#include "engine/optim/foreach_update.h"
#include "engine/optim/fused_update.h"

namespace dtbench {
namespace {

at::ScalarType state_type(StateFormat format) {
  switch (format) {
    case StateFormat::kFloat64:
      return at::kDouble;
    case StateFormat::kFloat32:
      return at::kFloat;
    case StateFormat::kBFloat16:
      return at::kBFloat16;
    case StateFormat::kFloat16:
      return at::kHalf;
    case StateFormat::kBlockwise8Bit:
      break;
  }
  throw std::logic_error("8-bit states have no one datatype");
}

ParameterState initial_state(const Parameter& parameter, const AdamWOptions& options) {
  const bool embedding = parameter.kind == ParameterKind::kEmbedding;
  const at::Tensor& value = parameter.value;
  StateFormat format = embedding ? options.embedding_states : options.states;
  if (format == StateFormat::kBlockwise8Bit) {
    if (value.numel() >= kSmallest8BitTensor) return initial_blockwise_state(value);
    format = StateFormat::kFloat32;
  }
  ParameterState state;
  state.exp_avg = at::zeros_like(value, value.options().dtype(state_type(format)));
  state.exp_avg_sq = at::zeros_like(state.exp_avg);
  if (options.rounding == UpdateRounding::kKahan) state.compensation = at::zeros_like(value);
  return state;
}

std::vector<std::pair<std::string, at::Tensor>> named(const std::string& parameter,
                                                      const ParameterState& state) {
  std::vector<std::pair<std::string, at::Tensor>> result;
  const auto add = [&](const char* kind, const at::Tensor& tensor) {
    if (tensor.defined()) result.emplace_back(std::string(kind) + "." + parameter, tensor);
  };
  add("exp_avg", state.exp_avg);
  add("exp_avg_sq", state.exp_avg_sq);
  add("exp_avg_absmax", state.exp_avg_absmax);
  add("exp_avg_sq_absmax", state.exp_avg_sq_absmax);
  add("compensation", state.compensation);
  return result;
}

}  // namespace

AdamWOptions adamw_options(const DtypePolicy& policy, const TrainSpec& train, std::int64_t seed) {
  return {train.beta1,
          train.beta2,
          policy.epsilon,
          train.weight_decay,
          policy.optimizer_states,
          policy.embedding_states,
          policy.optimizer_arithmetic,
          policy.update_rounding,
          static_cast<std::uint32_t>(seed)};
}

AdamW::AdamW(ParameterSet& parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  for (const Parameter& parameter : parameters.all()) {
    states_.push_back(initial_state(parameter, options));
    reach_.elements += parameter.value.numel();
    if (states_.back().exp_avg_absmax.defined())
      reach_.eight_bit_elements += parameter.value.numel();
  }
  const c10::Device device = parameters.all().front().value.device();
  if (device.is_cuda() && options.arithmetic == OptimizerArithmetic::kFused)
    cuda_update_.emplace(device);
}

Optimizer::Reach AdamW::step(DeviceScalars& scalars) {
  if (cuda_update_) {
    cuda_update_->launch({group(true, scalars.known()), group(false, scalars.known())}, scalars);
    return reach_;
  }
  const StepScalars& now = scalars.read();
  if (now.update == 0) return reach_;
  for (const bool decays : {true, false}) {
    const std::vector<TensorUpdate> updates = group(decays, now);
    if (options_.arithmetic == OptimizerArithmetic::kForeach)
      foreach_update(updates, scalars);
    else
      update_on_cpu(updates, *scalars.at_hand());
  }
  return reach_;
}

std::vector<TensorUpdate> AdamW::group(bool decays, const StepScalars& scalars) {
  const AdamWStep step{scalars.learning_rate, scalars.gradient_factor,
                       options_.beta1,        options_.beta2,
                       options_.epsilon,      decays ? options_.weight_decay : 0.0,
                       scalars.updates + 1};
  const std::vector<at::Tensor> gradients = parameters_.gradients();
  std::vector<TensorUpdate> updates;
  for (const Parameter& parameter : parameters_.all()) {
    if (decays == (parameter.kind == ParameterKind::kVector)) continue;
    const StochasticDraw draw{{options_.seed, stream::kStochasticRounding},
                              static_cast<std::uint32_t>(scalars.step),
                              name_hash(parameter.name)};
    updates.push_back({parameter.value, gradients[parameter.index].contiguous(),
                       states_[parameter.index], step, options_.rounding, draw});
  }
  return updates;
}

void AdamW::update_on_cpu(const std::vector<TensorUpdate>& group, StepScalars& scalars) {
  UpdateCounts counts;
  for (const TensorUpdate& update : group)
    counts +=
        update.state.exp_avg_absmax.defined() ? blockwise_update(update) : fused_update(update);
  scalars.lost_weight_updates += counts.lost_weight_updates;
  scalars.lost_v_updates += counts.lost_v_updates;
  scalars.zero_point_hits += counts.zero_point_hits;
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::named_states() const {
  std::vector<std::pair<std::string, at::Tensor>> result;
  for (std::size_t i = 0; i < states_.size(); ++i)
    for (auto& entry : named(parameters_.all()[i].name, states_[i]))
      result.push_back(std::move(entry));
  return result;
}

}  // namespace dtbench
