#include "engine/optim/loss_scaler.h"

#include <ATen/ATen.h>

#include <stdexcept>

#include "engine/numerics/finite.h"

namespace dtbench {

LossScaler::LossScaler(const DynamicLossScale& options, DeviceScalars& scalars)
    : rule_{options.growth_factor, options.backoff_factor, options.growth_interval},
      scalars_(scalars) {
  scalars.state(&StepScalars::loss_scale).fill_(options.initial);
}

void LossScaler::unscale(const std::vector<at::Tensor>& gradients) const {
  if (gradients.empty()) return;
  for (const at::Tensor& gradient : gradients)
    if (gradient.scalar_type() != at::kFloat)
      throw std::logic_error("gradients are unscaled in place in fp32 only");
  at::Tensor overflow = scalars_.tensor(&StepScalars::overflow);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, overflow,
                                                 scalars_.tensor(&StepScalars::inverse_scale));
}

void LossScaler::find_overflow(const std::vector<at::Tensor>& gradients) const {
  at::Tensor flags = scalars_.tensor(&StepScalars::nonfinite_gradients);
  flag_nonfinite(gradients, flags);
}

std::vector<std::pair<std::string, at::Tensor>> LossScaler::named_states() const {
  return {{"loss_scale", scalars_.state(&StepScalars::loss_scale)},
          {"loss_scale_growth_tracker", scalars_.state(&StepScalars::growth_tracker)},
          {"loss_scale_skipped_in_a_row", scalars_.state(&StepScalars::skipped_in_a_row)}};
}

}  // namespace dtbench
