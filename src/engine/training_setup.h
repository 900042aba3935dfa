// What a process of a cell does before its first step: checks of device and precision, the data,
// the model; and, where a cell has several processes, that all of them train the same one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/store.h"
#include "engine/cell.h"
#include "engine/distributed/ranks.h"
#include "engine/ops/canary.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench {

struct TrainingSetup {
  std::optional<std::string> skip;  // why the cell cannot be trained here; then there is no more
  Json precision_switches;
  std::vector<CanaryCheck> canary;
  // In the order in which they need each other.
  std::unique_ptr<TokenStore> store;
  std::unique_ptr<Reducer> reducer;
  std::unique_ptr<Trainer> trainer;
};

// `ranks`: null for a process that is alone. Throws Error.
TrainingSetup set_up_training(const RunSpec& spec, const CellOptions& options, Ranks* ranks);

// Every rank calls it with its audit's identity. Throws Error (usage) in all of them when one
// computes under other conditions than rank 0. Returns, for the audit, each rank's host, device and
// card.
Json require_same_on_all(Ranks& ranks, const Json& identity, const c10::Device& device);

// Rank 0's state, weights and optimizer become everybody's.
void share_state(Ranks& ranks, const Trainer& trainer, TrainingState& state);

}  // namespace dtbench
