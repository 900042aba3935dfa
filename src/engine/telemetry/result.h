// result.json, put together from what was recorded.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "engine/telemetry/peaks.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"
#include "record/status.h"

namespace dtbench {

struct RunEnd {
  Status status;
  std::string reason;  // "" where the status says it all
  std::string started_at;
  std::optional<double> price_per_hour = std::nullopt;  // USD, of this process
};

// The part every run has, even one that never came to train.
Json bare_result(const RunSpec& spec, const RunEnd& end);

// The whole. `memory` from peak_memory, `steps` from steps.jsonl.
Json full_result(const Trainer& trainer, const TrainingState& state, const RunEnd& end,
                 const std::vector<Json>& steps, const Json& memory, const Peaks& peaks);

}  // namespace dtbench
