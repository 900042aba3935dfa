// The dynamic loss scale of torch's GradScaler, by the same operators.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/policy.h"

namespace dtbench {

class LossScaler {
 public:
  LossScaler(const DynamicLossScale& options, const c10::Device& device);

  double scale() const;

  // Multiplies fp32 gradients by 1 / scale in place. Returns whether one was not finite.
  bool unscale(const std::vector<at::Tensor>& gradients);
  // Whether one is not finite; changes nothing.
  bool has_nonfinite(const std::vector<at::Tensor>& gradients) const;

  // Once a step: backs off after one that was skipped, grows after growth_interval that were not;
  // growth that would reach infinity is refused.
  void update(bool skipped);

  // The contract's end of a scaled policy: 50 skips in a row, or a scale below 1.
  bool exhausted() const;

  // loss_scale, loss_scale_growth_tracker, loss_scale_skips_in_a_row: handles to restore in place.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  DynamicLossScale options_;
  at::Tensor scale_, growth_tracker_;  // fp32 and int32 scalars on the device
  at::Tensor skips_in_a_row_;          // int64 scalar on the CPU
};

}  // namespace dtbench
