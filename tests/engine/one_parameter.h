// AdamW on one tensor, for tests of what happens to single numbers.
#pragma once

#include <ATen/ATen.h>

#include <string>

#include "engine/optim/adamw.h"

namespace dtbench::testing {

inline AdamWOptions adamw_with(StateFormat states,
                               OptimizerArithmetic arithmetic = OptimizerArithmetic::kFused,
                               UpdateRounding rounding = UpdateRounding::kNearest) {
  return {0.9, 0.999, 1e-8, 0.0, states, states, arithmetic, rounding, 7};
}

class OneParameter {
 public:
  OneParameter(const at::Tensor& value, const AdamWOptions& options,
               at::ScalarType gradients = at::ScalarType::Undefined)
      : parameters_(value.options(), 0,
                    gradients == at::ScalarType::Undefined ? value.scalar_type() : gradients),
        weight_(parameters_.create("w", value.sizes(), kZeros, ParameterKind::kMatrix).value),
        optimizer_((weight_.copy_(value), parameters_), options) {}

  UpdateCounts step(const at::Tensor& gradient, double rate, double factor = 1) {
    parameters_.clear_gradients();
    parameters_.gradients()[0].copy_(gradient);
    return optimizer_.step(rate, factor, global_step_++);
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
  std::uint32_t global_step_ = 0;
};

}  // namespace dtbench::testing
