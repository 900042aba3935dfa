// A run's numeric health as it goes (health.jsonl, docs/record-schema.md): what numbers its tensors
// hold, by class and layer, what its optimizer's states make of them, and on a spike or a
// non-finite value why, in one line. Looks after a step's clock is read; changes no number.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/health_level.h"
#include "engine/telemetry/moment_health.h"
#include "engine/train/trainer.h"
#include "record/run_directory.h"
#include "record/spikes.h"

namespace dtbench {

// The steps at which a light watch looks at weights, their gradients and states: 0, 1, 2, 4, ...
// 64, and every 128th. Most runs that die do so early.
bool light_look_is_due(std::int64_t step);
// Of those, the ones at which it looks at activations, too, which takes the step's passes again.
bool light_rehearsal_is_due(std::int64_t step);

class HealthWatch {
 public:
  // Both must outlive it. `level`: light or full.
  HealthWatch(RunDirectory& directory, Trainer& trainer, HealthLevel level);

  void look(const Trainer::Gradients& gradients, const std::optional<NonFiniteEvent>& nonfinite);

 private:
  // What is known of a parameter's earlier looks.
  struct Past {
    std::vector<double> lengths;                // of the update that its moments make
    std::optional<std::int64_t> flushed_since;  // the look from which on second moments are 0
  };

  void remember(std::int64_t step, const std::vector<MomentHealth>& moments);
  Json sample(const Trainer::Gradients& gradients, const std::vector<MomentHealth>& moments,
              bool with_activations);
  void say_why(const StepEvent& event, const std::string& kind, const std::string& what,
               const std::vector<MomentHealth>& moments);
  std::string moments_in_words(const std::vector<MomentHealth>& moments) const;

  RunDirectory& directory_;
  Trainer& trainer_;
  HealthLevel level_;
  SpikeWatch losses_, norms_;
  std::map<std::string, Past> past_;  // by parameter
};

}  // namespace dtbench
