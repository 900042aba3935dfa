// Dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740) as torch's GradScaler does it:
// the loss is multiplied by the scale, gradients by its inverse; a step with a non-finite gradient
// is dropped and the scale backs off; after growth_interval good steps in a row it grows.
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
  explicit LossScaler(const DynamicLossScale& options);

  double scale() const;
  // The fp32 number nearest to 1 / scale: what gradients are multiplied by.
  double inverse_scale() const;

  // Multiplies fp32 gradients by the inverse scale in place. Returns whether one was not finite.
  // Throws std::logic_error for 16-bit gradients, which unscaling would round to nothing: those are
  // checked only, and unscaled inside the update (AdamW::step's gradient factor).
  bool unscale(const std::vector<at::Tensor>& gradients) const;
  static bool any_nonfinite(const std::vector<at::Tensor>& gradients);

  // After each step: backs off where a gradient was not finite, else counts towards growth. A
  // growth to infinity is refused.
  void update(bool found_nonfinite);

  std::int64_t skipped_in_a_row() const;

  // All that a later step depends on, as handles to restore in place: loss_scale (fp32),
  // loss_scale_growth_tracker (int32) and loss_scale_skipped_in_a_row (int64), scalars on the CPU.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  DynamicLossScale options_;
  at::Tensor scale_, growth_tracker_, skipped_in_a_row_;
};

}  // namespace dtbench
