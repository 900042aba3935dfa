// AdamW on one tensor, for tests of what happens to single numbers.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "engine/numerics/device_scalars.h"
#include "engine/optim/adamw.h"
#include "engine/optim/tensor_update.h"

namespace dtbench::testing {

inline AdamWOptions adamw_with(StateFormat states,
                               OptimizerArithmetic arithmetic = OptimizerArithmetic::kFused,
                               UpdateRounding rounding = UpdateRounding::kNearest) {
  return {0.9, 0.999, 1e-8, 0.0, states, states, arithmetic, rounding, 7};
}

// One update as a step makes it that is not skipped; what it counted.
inline UpdateCounts update_once(Optimizer& optimizer, DeviceScalars& scalars,
                                const StepInputs& inputs, double gradient_factor = 1) {
  scalars.begin(inputs);
  scalars.tensor(&StepScalars::gradient_factor).fill_(gradient_factor);
  const Optimizer::Reach reach = optimizer.step(scalars);
  scalars.tensor(&StepScalars::updates).add_(1);
  const StepScalars& now = scalars.read();
  return {reach.elements, now.lost_weight_updates, now.lost_v_updates, now.zero_point_hits,
          reach.eight_bit_elements};
}

class OneParameter {
 public:
  OneParameter(const at::Tensor& value, const AdamWOptions& options,
               at::ScalarType gradients = at::ScalarType::Undefined)
      : parameters_(value.options(), 0,
                    gradients == at::ScalarType::Undefined ? value.scalar_type() : gradients),
        weight_(parameters_.create("w", value.sizes(), kZeros, ParameterKind::kMatrix).value),
        optimizer_((weight_.copy_(value), parameters_), options),
        scalars_(value.device()) {}

  UpdateCounts step(const at::Tensor& gradient, double rate, double factor = 1) {
    parameters_.clear_gradients();
    parameters_.gradients()[0].copy_(gradient);
    return update_once(optimizer_, scalars_, {global_step_++, rate}, factor);
  }
  UpdateCounts step(double gradient, double rate) {
    return step(at::full_like(weight_, gradient), rate);
  }

  at::Tensor weight() const { return weight_; }
  // "exp_avg", "exp_avg_sq_absmax" ...
  at::Tensor state(const std::string& kind) const {
    for (const auto& [name, tensor] : optimizer_.named_states())
      if (name == kind + ".w") return tensor;
    throw std::logic_error("no state is called " + kind);
  }

 private:
  ParameterSet parameters_;
  at::Tensor weight_;
  AdamW optimizer_;
  DeviceScalars scalars_;
  std::int64_t global_step_ = 0;
};

}  // namespace dtbench::testing
