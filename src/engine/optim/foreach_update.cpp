#include "engine/optim/foreach_update.h"

#include <ATen/ATen.h>

#include <cmath>
#include <stdexcept>

#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

// What is to be compared with the state before: foreach is a control, not made for memory or speed.
std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& tensor : tensors)
    result.push_back(tensor.clone());
  return result;
}

}  // namespace

void foreach_update(const std::vector<TensorUpdate>& updates, DeviceScalars& scalars) {
  if (updates.empty()) return;
  const AdamWStep& step = updates.front().step;
  if (step.gradient_factor != 1)
    throw std::logic_error("foreach arithmetic has no place for a gradient factor");
  std::vector<at::Tensor> values, gradients, exp_avgs, exp_avg_sqs;
  for (const TensorUpdate& update : updates) {
    values.push_back(update.value);
    gradients.push_back(update.gradient);
    exp_avgs.push_back(update.state.exp_avg);
    exp_avg_sqs.push_back(update.state.exp_avg_sq);
  }
  const std::vector<at::Tensor> old_values = copies(values), old_exp_avg_sqs = copies(exp_avg_sqs);

  const double t = static_cast<double>(step.updates);
  const double correction1 = 1 - std::pow(step.beta1, t), correction2 = 1 - std::pow(step.beta2, t);
  if (step.weight_decay != 0) at::_foreach_mul_(values, 1 - step.learning_rate * step.weight_decay);
  at::_foreach_lerp_(exp_avgs, gradients, 1 - step.beta1);
  at::_foreach_mul_(exp_avg_sqs, step.beta2);
  at::_foreach_addcmul_(exp_avg_sqs, gradients, gradients, 1 - step.beta2);
  std::vector<at::Tensor> denominators = at::_foreach_sqrt(exp_avg_sqs);
  at::_foreach_div_(denominators, std::pow(correction2, 0.5));
  at::_foreach_add_(denominators, step.epsilon);
  at::_foreach_addcdiv_(values, exp_avgs, denominators, step.learning_rate / correction1 * -1);

  const at::Tensor lost_weights = scalars.tensor(&StepScalars::lost_weight_updates);
  const at::Tensor lost_v = scalars.tensor(&StepScalars::lost_v_updates);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const at::Tensor g = gradients[i].to(accumulation_type(gradients[i].scalar_type()));
    lost_weights.add_(((values[i] == old_values[i]) & (exp_avgs[i] != 0)).sum());
    lost_v.add_(((exp_avg_sqs[i] == old_exp_avg_sqs[i]) & (g * g != old_exp_avg_sqs[i])).sum());
  }
}

}  // namespace dtbench
