// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) in the arithmetic, state formats and
// rounding of a datatype policy (docs/contract.md, "Policies" and "Rounding points").
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/optim/cuda_update.h"
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
  // States start at zero, in fp32 instead of 8 bits for small tensors (optim/blockwise_8bit.h) and,
  // if `embedding_states` says so, for embeddings.
  // Decay applies to embeddings and matrices. Holds a reference to `parameters`.
  AdamW(ParameterSet& parameters, const AdamWOptions& options);

  // Foreach arithmetic takes no gradient factor but 1, and waits for the device: it is torch's
  // sequence of calls, whose scalars are the host's.
  Reach step(DeviceScalars& scalars) override;
  // exp_avg.<name>, exp_avg_sq.<name>; 8-bit: exp_avg_absmax.<name>, exp_avg_sq_absmax.<name>;
  // Kahan: compensation.<name>.
  std::vector<std::pair<std::string, at::Tensor>> named_states() const override;

 private:
  // Tensors that decay, or those that do not, as one step treats them.
  std::vector<TensorUpdate> group(bool decays, const StepScalars& scalars);
  static void update_on_cpu(const std::vector<TensorUpdate>& group, StepScalars& scalars);

  ParameterSet& parameters_;
  AdamWOptions options_;
  std::vector<ParameterState> states_;
  Reach reach_;
  std::optional<CudaUpdate> cuda_update_;
};

}  // namespace dtbench
