// What a step decides about its update, from scalars alone: skip it, hold it back, clip it, and
// where the loss scale moves. One arithmetic for CPU and GPU, so that the bits are the same. For
// the kernels of both: no header of ATen.
#pragma once

#include <cstdint>

#include "base/philox.h"  // DTBENCH_HOST_DEVICE
#include "engine/numerics/step_scalars.h"

namespace dtbench {

struct DecisionRule {
  bool scaled = false;       // there is a loss scaler, which catches overflows
  bool into_factor = false;  // stored gradients stay scaled: 16 bits would lose unscaled ones
  double clip_norm = 0;
};

// Dynamic loss scaling, as torch's GradScaler.
struct ScaleRule {
  double growth_factor, backoff_factor;
  std::int64_t growth_interval;
};

DTBENCH_HOST_DEVICE inline bool is_finite(double value) {
  return value * 0 == 0;  // NaN of NaN and of infinities
}

// min(1, max_norm / (norm + 1e-6)), as torch's clip_grad_norm_; 1 when the norm is NaN.
DTBENCH_HOST_DEVICE inline double clip_coefficient(double norm, double max_norm) {
  const double coefficient = max_norm / (norm + 1e-6);
  return coefficient < 1 ? coefficient : 1;
}

// Once losses [n], the norm of the stored gradients and the flags of overflows are there.
DTBENCH_HOST_DEVICE inline void decide_update(StepScalars& scalars, const DecisionRule& rule,
                                              const double* losses, std::int64_t count) {
  scalars.skipped =
      rule.scaled && (scalars.overflow != 0 || scalars.nonfinite_gradients != 0) ? 1 : 0;
  double factor = rule.into_factor ? static_cast<double>(scalars.inverse_scale) : 1.0;
  scalars.grad_norm = factor * scalars.stored_norm;
  bool finite = is_finite(scalars.grad_norm);
  for (std::int64_t i = 0; i < count; ++i)
    finite = finite && is_finite(losses[i]);
  if (scalars.skipped == 0) {
    const double coefficient = clip_coefficient(scalars.grad_norm, rule.clip_norm);
    if (rule.into_factor)
      factor *= coefficient;
    else
      scalars.clip_coefficient = coefficient;
    scalars.held = !finite && scalars.hold_nonfinite != 0 ? 1 : 0;
  }
  scalars.gradient_factor = factor;
  scalars.update = scalars.skipped == 0 && scalars.held == 0 ? 1 : 0;
}

// The scale backs off at once; after growth_interval good steps in a row it grows, unless to
// infinity.
DTBENCH_HOST_DEVICE inline void move_loss_scale(StepScalars& scalars, const ScaleRule& rule) {
  if (scalars.skipped != 0) {
    scalars.loss_scale = static_cast<float>(scalars.loss_scale * rule.backoff_factor);
    scalars.growth_tracker = 0;
    ++scalars.skipped_in_a_row;
    return;
  }
  scalars.skipped_in_a_row = 0;
  if (++scalars.growth_tracker < rule.growth_interval) return;
  scalars.growth_tracker = 0;
  const auto grown = static_cast<float>(scalars.loss_scale * rule.growth_factor);
  if (is_finite(grown)) scalars.loss_scale = grown;
}

// After the update: it counts, and the scaler moves. A step that is held back has not ended.
DTBENCH_HOST_DEVICE inline void end_update(StepScalars& scalars, bool scaled,
                                           const ScaleRule& rule) {
  if (scalars.held != 0) return;
  if (scalars.skipped == 0) ++scalars.updates;
  if (scaled) move_loss_scale(scalars, rule);
}

}  // namespace dtbench
