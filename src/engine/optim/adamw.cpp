#include "engine/optim/adamw.h"

#include <ATen/ATen.h>

#include <stdexcept>

#include "engine/optim/blockwise_8bit.h"
#include "engine/optim/cuda_update.h"
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
    : parameters_(parameters), options_(options), updates_(at::zeros({}, at::kLong)) {
  for (const Parameter& parameter : parameters.all())
    states_.push_back(initial_state(parameter, options));
}

UpdateCounts AdamW::step(double learning_rate, double gradient_factor, std::uint32_t global_step) {
  updates_.add_(1);
  const std::vector<at::Tensor> gradients = parameters_.gradients();
  std::vector<TensorUpdate> decayed, others;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Parameter& parameter = parameters_.all()[i];
    const bool decays = parameter.kind != ParameterKind::kVector;
    const AdamWStep step{learning_rate,  gradient_factor,  options_.beta1,
                         options_.beta2, options_.epsilon, decays ? options_.weight_decay : 0.0,
                         updates()};
    const StochasticDraw draw{
        {options_.seed, stream::kStochasticRounding}, global_step, name_hash(parameter.name)};
    (decays ? decayed : others)
        .push_back({parameter.value, gradients[i].contiguous(), states_[i], step, options_.rounding,
                    draw});
  }
  UpdateCounts counts;
  for (const std::vector<TensorUpdate>& group : {decayed, others})
    counts += update_group(group);
  return counts;
}

UpdateCounts AdamW::update_group(const std::vector<TensorUpdate>& group) const {
  if (options_.arithmetic == OptimizerArithmetic::kForeach) return foreach_update(group);
  if (!group.empty() && group.front().value.is_cuda()) return cuda_update(group);
  UpdateCounts counts;
  for (const TensorUpdate& update : group)
    counts +=
        update.state.exp_avg_absmax.defined() ? blockwise_update(update) : fused_update(update);
  return counts;
}

std::int64_t AdamW::updates() const {
  return updates_.item<std::int64_t>();
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::named_states() const {
  std::vector<std::pair<std::string, at::Tensor>> result{{"optimizer_updates", updates_}};
  for (std::size_t i = 0; i < states_.size(); ++i)
    for (auto& entry : named(parameters_.all()[i].name, states_[i]))
      result.push_back(std::move(entry));
  return result;
}

}  // namespace dtbench
