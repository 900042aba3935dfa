// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) in the arithmetic, state formats and
// rounding of a datatype policy (docs/contract.md, "Policies" and "Rounding points").
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/optim/optimizer.h"

namespace dtbench {

struct AdamWOptions {
  double beta1, beta2, epsilon, weight_decay;
  StateFormat states, embedding_states;
  OptimizerArithmetic arithmetic;
  UpdateRounding rounding;
  std::uint32_t seed;  // of stochastic rounding
};

AdamWOptions adamw_options(const DtypePolicy& policy, const TrainSpec& train, std::int64_t seed);

class AdamW : public Optimizer {
 public:
  // States start at zero, in fp32 instead of 8 bits for small tensors (optim/blockwise_8bit.h).
  // Decay applies to embeddings and matrices. Holds a reference to `parameters`.
  AdamW(ParameterSet& parameters, const AdamWOptions& options);

  // Foreach arithmetic takes no gradient factor but 1. `global_step`: stochastic rounding draws by
  // it.
  UpdateCounts step(double learning_rate, double gradient_factor,
                    std::uint32_t global_step) override;
  std::int64_t updates() const override;
  // exp_avg.<name>, exp_avg_sq.<name>; 8-bit: exp_avg_absmax.<name>, exp_avg_sq_absmax.<name>;
  // Kahan: compensation.<name>.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const override;

 private:
  UpdateCounts update_group(const std::vector<TensorUpdate>& group) const;

  ParameterSet& parameters_;
  AdamWOptions options_;
  std::vector<ParameterState> states_;
  at::Tensor updates_;
};

}  // namespace dtbench
