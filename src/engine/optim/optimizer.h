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
#include "engine/numerics/device_scalars.h"

namespace dtbench {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // How many elements an update changes.
  struct Reach {
    std::int64_t elements = 0;
    std::int64_t eight_bit_elements = 0;  // of those, with 8-bit states
  };

  // One update with the parameters' stored gradients, unless StepScalars::update is 0: rate, factor
  // of the gradients (in fp32; 1 where nothing is left to unscale or clip), number of updates
  // before this one and the global step, which counts skipped ones, too, are those of `scalars`.
  // What it loses is added to their counts. Launched: an optimizer that calls scalars.read() makes
  // a step on a GPU wait.
  virtual Reach step(DeviceScalars& scalars) = 0;

  // All that a later step depends on beside the weights and `scalars`, as handles to restore in
  // place: <state>.<parameter>.
  virtual std::vector<std::pair<std::string, at::Tensor>> named_states() const = 0;

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
