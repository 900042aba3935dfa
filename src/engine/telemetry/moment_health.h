// What a parameter's stored moments make of the next update: how many second moments are 0 though
// the first is not, and how long the step is that they make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/train/trainer.h"

namespace dtbench {

struct MomentHealth {
  std::string parameter;
  std::int64_t layer = -1;
  std::int64_t elements = 0;
  std::int64_t flushed = 0;  // second moment 0, first not
  // |m^| / (sqrt(v^) + epsilon) with bias correction: the largest, and the root mean square, in
  // learning rates.
  double longest = 0, length = 0;
  double to_weight = 0;  // the step's norm over the weight's
};

// In the order of the parameters; those without floating moments of AdamW are left out. Before the
// first update there are none.
std::vector<MomentHealth> moment_health(const Trainer& trainer, double learning_rate);

}  // namespace dtbench
