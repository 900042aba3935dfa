// One parameter's share of an optimizer step: what the updates of all arithmetics, formats and
// devices are given, and what they count.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "config/policy.h"
#include "engine/optim/block_kernels.h"

namespace dtbench {

// Of one step, over all elements.
struct UpdateCounts {
  std::int64_t elements = 0;
  // Stored weights (with Kahan compensation: weight + compensation) that are unchanged though the
  // new first moment, before rounding, is not zero.
  std::int64_t lost_weight_updates = 0;
  // Stored second moments that are unchanged though the squared gradient differs from them.
  std::int64_t lost_v_updates = 0;
  // 8-bit second moments stored as code 0 though they are above 0.
  std::int64_t zero_point_hits = 0;
  std::int64_t eight_bit_elements = 0;  // with 8-bit states

  UpdateCounts& operator+=(const UpdateCounts& other);
};

// AdamW's state of one parameter.
struct ParameterState {
  at::Tensor exp_avg, exp_avg_sq;  // of the parameter's shape; uint8 codes where 8-bit
  at::Tensor exp_avg_absmax, exp_avg_sq_absmax;  // 8-bit: fp32, one a block; else undefined
  at::Tensor compensation;  // Kahan: the weight's lost part in its own datatype; else undefined
};

struct AdamWStep {
  double learning_rate;
  double gradient_factor;  // multiplies every stored gradient before its use
  double beta1, beta2, epsilon, weight_decay;
  std::int64_t updates;  // this one included: t of the bias correction
};

struct TensorUpdate {
  at::Tensor value, gradient;  // the gradient in the value's datatype or in fp32
  ParameterState state;
  AdamWStep step;
  UpdateRounding rounding;
  StochasticDraw draw;  // read only by stochastic rounding
};

template <typename T>
AdamWFactors<T> adamw_factors(const AdamWStep& step) {
  return adamw_factors<T>(step.learning_rate, step.gradient_factor, step.beta1, step.beta2,
                          step.epsilon, step.weight_decay, static_cast<double>(step.updates));
}

}  // namespace dtbench
