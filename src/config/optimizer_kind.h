// An optimizer as far as the configuration knows it: its states, for the memory estimate and the
// record, and the settings it starts from. A spec names it in train.optimizer; its arithmetic on
// every device is the engine's half (engine/optim).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "config/registry.h"

namespace dtbench {

struct RunSpec;

struct OptimizerKind {
  std::string name;   // in specs: "adamw"
  std::string title;  // for people: "AdamW"
  // A state holds one element a weight, in the policy's optimizer_states or embedding_states.
  std::vector<std::string> states;  // {"exp_avg", "exp_avg_sq"}
  // Keys of `train` that neither scenario, preset nor user sets begin at these values rather than
  // at the spec's own.
  std::vector<std::pair<std::string, Json>> defaults;  // {{"train.beta2", 0.99}}
  void (*check)(const RunSpec& spec) = nullptr;        // throws Error (usage) for what it cannot do
};

// To be called by an extension as it is loaded. Throws Error (usage) for an incomplete entry.
const OptimizerKind& register_optimizer(OptimizerKind optimizer);

Registered<OptimizerKind> adamw();

template <>
Registry<OptimizerKind>& registry<OptimizerKind>();

}  // namespace dtbench
