// Two runs of one cell, step by step from the same weights, under two policies, on two devices or
// with two forms of attention: how far each operation's result is from the other's, which of them
// is farther than rounding explains, and how the weights drift apart (docs/adr/0033-shadow.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/forensics/replay.h"
#include "engine/forensics/shadow_comparison.h"

namespace dtbench {

// Of a step.
struct ShadowStep {
  StepEvent run, other;
  std::optional<NonFiniteEvent> run_nonfinite, other_nonfinite;
  std::vector<ShadowPlace> places;  // of `nodes`, in their order
  std::vector<RecordedNode> nodes;  // their tensors left out
  std::int64_t kept_bytes = 0;      // of the recorded run's results, on the host
  // || run - other || / || other || of the weights after it: of all, of those outside the layers,
  // and by layer.
  double drift = 0, drift_outside = 0;
  std::vector<double> drift_by_layer;
};

struct ShadowSide {
  RunSpec spec;
  c10::Device device;
};

class Shadow {
 public:
  // Both start from the run's weights at `checkpoint`'s step or, where that is empty, from its
  // initial ones.
  Shadow(const ShadowSide& run, const ShadowSide& other, const TokenStore& store,
         const std::filesystem::path& initial_weights);

  // Trains the run alone up to `step`, from its checkpoint where that is not beyond it. The other
  // then gets its weights and optimizer states. Throws Error (usage) where the two keep states in
  // different forms, or the run is not finite by then.
  void go_to(std::int64_t step, const std::filesystem::path& checkpoint);

  // The next step under both. `observer` sees the run's operations first, and may change them: for
  // tests.
  ShadowStep step(NodeObserver* observer = nullptr);

  std::int64_t steps() const { return step_; }

 private:
  void share_states();
  void measure_drift(ShadowStep& result) const;

  Trainer run_, other_;
  std::int64_t step_ = 0;
};

}  // namespace dtbench
