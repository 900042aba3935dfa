#include "engine/optim/adamw.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace dtbench {

AdamW::AdamW(const ParameterSet& parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options), groups_{{{}, options.weight_decay}, {{}, 0.0}} {
  for (std::size_t i = 0; i < parameters.all().size(); ++i) {
    const Parameter& parameter = parameters.all()[i];
    groups_[parameter.weight_decay ? 0 : 1].members.push_back(i);
    exp_avgs_.push_back(at::zeros_like(parameter.value).detach());
    exp_avg_sqs_.push_back(at::zeros_like(parameter.value).detach());
    // torch keeps the update count of each tensor as an fp32 scalar on its device.
    steps_.push_back(at::zeros({}, parameter.value.options().dtype(at::kFloat)).detach());
  }
}

void AdamW::step(double learning_rate) {
  const c10::NoGradGuard no_grad;
  set_updates(updates_ + 1);
  for (const Group& group : groups_)
    if (!group.members.empty()) step_group(group, learning_rate);
}

void AdamW::step_group(const Group& group, double learning_rate) {
  std::vector<at::Tensor> values, gradients, exp_avgs, exp_avg_sqs, steps;
  for (const std::size_t i : group.members) {
    values.push_back(parameters_.all()[i].value);
    gradients.push_back(parameters_.all()[i].value.grad());
    exp_avgs.push_back(exp_avgs_[i]);
    exp_avg_sqs.push_back(exp_avg_sqs_[i]);
    steps.push_back(steps_[i]);
  }
  at::_fused_adamw_(values, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps,
                    learning_rate, options_.beta1, options_.beta2, group.weight_decay,
                    options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
}

std::int64_t AdamW::state_bytes() const {
  std::int64_t bytes = 0;
  for (const at::Tensor& state : exp_avgs_)
    bytes += static_cast<std::int64_t>(2 * state.nbytes());
  return bytes;
}

void AdamW::set_updates(std::int64_t updates) {
  updates_ = updates;
  for (at::Tensor& step : steps_)
    step.fill_(updates);
}

}  // namespace dtbench
