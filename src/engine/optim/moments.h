// The moments that AdamW stores, found by parameter.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "engine/model/parameters.h"
#include "engine/optim/optimizer.h"

namespace dtbench {

// Handles to an optimizer's states as they are now.
class Moments {
 public:
  explicit Moments(const Optimizer& optimizer);

  // "exp_avg" or "exp_avg_sq" of a parameter, in its shape; undefined where there is none.
  at::Tensor of(const std::string& kind, const Parameter& parameter) const;

 private:
  std::map<std::string, at::Tensor> states_;  // by the names of Optimizer::named_states
};

// Elements whose second moment is 0 though the first is not, of floating moments.
std::int64_t underflowed(const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq);

}  // namespace dtbench
