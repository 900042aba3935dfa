// Dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740) as torch's GradScaler does it:
// the loss is multiplied by the scale, gradients by its inverse; a step with a non-finite gradient
// is dropped and the scale backs off; after growth_interval good steps in a row it grows
// (optim/step_decision.h). Everything here is launched, not waited for.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "config/policy.h"
#include "engine/numerics/device_scalars.h"
#include "engine/optim/step_decision.h"

namespace dtbench {

class LossScaler {
 public:
  // Holds a reference to `scalars` and sets their loss scale.
  LossScaler(const DynamicLossScale& options, DeviceScalars& scalars);

  // Multiplies fp32 gradients by the inverse scale in place, and sets `overflow` if one was not
  // finite. Throws std::logic_error for 16-bit gradients, which unscaling would round to nothing:
  // those are only searched, and unscaled inside the update (StepScalars::gradient_factor).
  void unscale(const std::vector<at::Tensor>& gradients) const;
  // Sets `nonfinite_gradients`.
  void find_overflow(const std::vector<at::Tensor>& gradients) const;

  const ScaleRule& rule() const { return rule_; }

  // All that a later step depends on, as handles to restore in place: loss_scale (fp32),
  // loss_scale_growth_tracker (int32) and loss_scale_skipped_in_a_row (int64), scalars.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  ScaleRule rule_;
  DeviceScalars& scalars_;
};

}  // namespace dtbench
