// A cell's steps once more, without a record: as it was trained, or with a change to its spec or to
// its initial weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "engine/forensics/node_watch.h"
#include "engine/forensics/update_watch.h"
#include "engine/train/trainer.h"

namespace dtbench {

// What a replay reads beside the spec.
struct ReplaySource {
  const TokenStore& store;
  c10::Device device;
  std::filesystem::path initial_weights;  // as in CellOptions
};

// One watched step.
struct StepSignals {
  StepEvent event;
  Headroom activations, gradients;      // gradients: of activations
  std::optional<UpdateSignals> update;  // nothing where there was no update
};

class Replay {
 public:
  // `draw` 0: the initial weights as they were; else each that is not zero is moved by one unit in
  // the last place of its datatype, up or down by a draw of its own.
  Replay(const RunSpec& spec, const ReplaySource& source, std::uint32_t draw = 0);

  // The next step. Returns what was not finite, where the run would have recorded it.
  std::optional<NonFiniteEvent> step();
  std::optional<NonFiniteEvent> watched_step();

  std::int64_t steps() const { return step_; }
  const StepEvent& event() const { return event_; }        // of the last step
  const StepSignals& signals() const { return signals_; }  // of the last watched step
  const NodeWatch& watch() const { return watch_; }        // likewise

  // Computes the next step's gradients twice; whether all have the same bits. Changes nothing.
  bool next_step_repeats();

  const Trainer& trainer() const { return trainer_; }

 private:
  std::optional<NonFiniteEvent> finish(Trainer::Gradients& gradients);

  Trainer trainer_;
  std::int64_t step_ = 0;
  StepEvent event_;
  StepSignals signals_;
  NodeWatch watch_;
};

// How a replay ended.
struct ReplayEnd {
  std::int64_t steps = 0;  // completed, the last one included
  std::optional<NonFiniteEvent> nonfinite;
  double first_loss = 0, last_loss = 0;
  bool skipped = false;  // the last step: its loss says nothing

  void add(const StepEvent& event);
  // Finite to the end, and the last loss is at most twice the first (the contract's measure of a
  // loss that has exploded).
  bool survived() const { return !nonfinite && !skipped && last_loss <= 2 * first_loss; }
};
// Without watching.
ReplayEnd replay(const RunSpec& spec, const ReplaySource& source, std::int64_t steps,
                 std::uint32_t draw = 0);

}  // namespace dtbench
