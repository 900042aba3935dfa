// What updates the weights, and the engine's half of an optimizer (config/optimizer_kind.h): what
// makes it. AdamW is there from the start; an extension registers its own.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/run_spec.h"
#include "engine/model/parameters.h"
#include "engine/optim/tensor_update.h"

namespace dtbench {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update with the parameters' stored gradients, each multiplied by `gradient_factor` in fp32
  // first (1 where nothing is left to unscale or clip). `global_step` counts skipped steps, too.
  virtual UpdateCounts step(double learning_rate, double gradient_factor,
                            std::uint32_t global_step) = 0;

  virtual std::int64_t updates() const = 0;  // so far; skipped steps are none

  // All that a later step depends on beside the weights, as handles to restore in place:
  // <state>.<parameter>, and optimizer_updates, an int64 scalar on the CPU.
  virtual std::vector<std::pair<std::string, at::Tensor>> named_states() const = 0;

  // Of all states but optimizer_updates.
  std::int64_t state_bytes() const;
};

using MakeOptimizer = std::unique_ptr<Optimizer> (*)(ParameterSet& parameters,
                                                     const DtypePolicy& policy,
                                                     const TrainSpec& train, std::int64_t seed);

void register_optimizer_engine(const std::string& name, MakeOptimizer make);

// The one that `train` names. Holds a reference to `parameters`. Throws Error (permanent) for one
// that the engine does not have.
std::unique_ptr<Optimizer> make_optimizer(ParameterSet& parameters, const DtypePolicy& policy,
                                          const TrainSpec& train, std::int64_t seed);

}  // namespace dtbench
