// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) in the arithmetic, state formats and
// rounding of a datatype policy (docs/contract.md, "Policies" and "Rounding points").
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/run_spec.h"
#include "engine/model/parameters.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

struct AdamWOptions {
  double beta1, beta2, epsilon, weight_decay;
  StateFormat states, embedding_states;
  OptimizerArithmetic arithmetic;
  UpdateRounding rounding;
  std::uint32_t seed;  // of stochastic rounding
};

AdamWOptions adamw_options(const DtypePolicy& policy, const TrainSpec& train, std::int64_t seed);

class AdamW {
 public:
  // States start at zero, in fp32 instead of 8 bits for small tensors (optim/blockwise_8bit.h).
  // Decay applies to embeddings and matrices. Holds a reference to `parameters`.
  AdamW(ParameterSet& parameters, const AdamWOptions& options);

  // One update with parameters.gradients(), each multiplied by `gradient_factor` in fp32 first (1
  // where nothing is left to unscale or clip; foreach arithmetic takes nothing else).
  // `global_step` counts skipped steps, too: stochastic rounding draws by it.
  UpdateCounts step(double learning_rate, double gradient_factor, std::uint32_t global_step);

  std::int64_t updates() const;  // so far; skipped steps are none
  std::int64_t state_bytes() const;

  // All that a later step depends on beside the weights, as handles to restore in place:
  // exp_avg.<name>, exp_avg_sq.<name>; 8-bit: exp_avg_absmax.<name>, exp_avg_sq_absmax.<name>;
  // Kahan: compensation.<name>; and optimizer_updates, an int64 scalar on the CPU.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const;

 private:
  UpdateCounts update_group(const std::vector<TensorUpdate>& group) const;

  ParameterSet& parameters_;
  AdamWOptions options_;
  std::vector<ParameterState> states_;
  at::Tensor updates_;
};

}  // namespace dtbench
