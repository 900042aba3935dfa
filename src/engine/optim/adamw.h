// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with torch's `fused` arithmetic: fp32 inside
// (fp64 for fp64), one rounding on store.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "engine/model/parameters.h"

namespace dtbench {

struct AdamWOptions {
  double beta1, beta2, epsilon, weight_decay;
};

class AdamW {
 public:
  // States start at zero, in the parameters' datatype; decay applies to parameters that ask for it.
  AdamW(const ParameterSet& parameters, const AdamWOptions& options);

  // One update with the parameters' gradients.
  void step(double learning_rate);

  std::int64_t state_bytes() const;

  // First and second moment of the parameter at the same place in the set, and the number of
  // updates so far: for checkpoints.
  const at::Tensor& exp_avg(std::size_t index) const { return exp_avgs_.at(index); }
  const at::Tensor& exp_avg_sq(std::size_t index) const { return exp_avg_sqs_.at(index); }
  std::int64_t updates() const { return updates_; }
  void set_updates(std::int64_t updates);

 private:
  struct Group {
    std::vector<std::size_t> members;
    double weight_decay;
  };
  void step_group(const Group& group, double learning_rate);

  const ParameterSet& parameters_;
  AdamWOptions options_;
  std::vector<at::Tensor> exp_avgs_, exp_avg_sqs_, steps_;
  std::vector<Group> groups_;
  std::int64_t updates_ = 0;
};

}  // namespace dtbench
