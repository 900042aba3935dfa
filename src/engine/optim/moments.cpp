#include "engine/optim/moments.h"

#include <ATen/ATen.h>

namespace dtbench {

Moments::Moments(const Optimizer& optimizer) {
  for (auto& [name, tensor] : optimizer.named_states())
    states_[name] = tensor;
}

at::Tensor Moments::of(const std::string& kind, const Parameter& parameter) const {
  const auto found = states_.find(kind + "." + parameter.name);
  return found == states_.end() ? at::Tensor() : found->second;
}

std::int64_t underflowed(const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq) {
  return at::logical_and(exp_avg_sq == 0, exp_avg != 0).sum().item<std::int64_t>();
}

}  // namespace dtbench
