// A run's numeric health as it goes (health.jsonl, docs/record-schema.md): what numbers its tensors
// hold, by class and layer, what its optimizer's states make of them, and on a spike or a
// non-finite value why, in one line. Works outside of a step's time; changes no number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/health_level.h"
#include "engine/telemetry/health_reason.h"
#include "engine/telemetry/update_health.h"
#include "engine/train/trainer.h"
#include "record/run_directory.h"
#include "record/spikes.h"

namespace dtbench {

// Whether a step of a run of `steps` is sampled. Light: 0, 1, 2, 4, ... 64 and every 128th, since
// most runs that die do so early. Full: those, and every step or, of more than 256, about 256 at
// equal distances, so that a record stays small.
bool samples_step(HealthLevel level, std::int64_t step, std::int64_t steps);
// Whether its activations are, too, for which its passes are done once more. Light: steps 0, 128,
// 256, ...
bool samples_activations(HealthLevel level, std::int64_t step, std::int64_t steps);

class HealthWatch {
 public:
  // Both must outlive it. `level`: light or full. Goes on from what the record holds of steps.
  HealthWatch(RunDirectory& directory, Trainer& trainer, HealthLevel level);

  void before_step(std::int64_t step);
  void after_step(const Trainer::Gradients& gradients,
                  const std::optional<NonFiniteEvent>& nonfinite);

 private:
  bool with_exponents() const { return level_ == HealthLevel::kFull; }
  Json sample(const Trainer::Gradients& gradients, const std::vector<UpdateHealth>& updates,
              bool with_activations);
  void explain(std::int64_t step, const char* kind, const std::string& what,
               const std::vector<UpdateHealth>& updates);
  void count(const Json& line);

  RunDirectory& directory_;
  Trainer& trainer_;
  HealthLevel level_;
  std::unique_ptr<WeightCopy> before_;  // of the step at work, if it is sampled
  SpikeWatch losses_, norms_;
  HealthReason reason_;
  bool nonfinite_explained_ = false;
  int spikes_explained_ = 0;
};

}  // namespace dtbench
