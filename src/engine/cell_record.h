// The life of a cell's record, from its first event to its result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "engine/telemetry/peak_memory.h"
#include "engine/telemetry/peaks.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"
#include "record/run_directory.h"
#include "record/status.h"

namespace dtbench {

class CellRecord {
 public:
  // Takes the lock of the run's directory, which holds spec.json, and records that it started.
  // `price_per_hour`: USD, of the result's price.
  CellRecord(const std::filesystem::path& run_directory, std::optional<double> price_per_hour);

  const RunSpec& spec() const { return spec_; }
  RunDirectory& directory() { return directory_; }

  // A new cell writes its audit; a resumed one must match the one it has (Error, usage).
  void audit(const Json& present);
  // Where the cell goes on: from its checkpoint, whose weights and states `trainer` gets, or from
  // nothing. Steps beyond it are dropped.
  TrainingState resume(Trainer& trainer);
  void save(const Trainer& trainer, TrainingState& state);
  void remove_checkpoint();

  // From here on what the process uses is the cell's.
  void begin_measuring();
  // Time and memory of the run so far become those of the result; once. `others`: the peaks of the
  // cell's other processes.
  void finish_measuring(const Trainer& trainer, TrainingState& state,
                        const std::vector<Json>& others = {});

  // The result of a run that never came to train. It does not replace one that did.
  void end(Status status, const std::string& reason);
  void end(Status status, const std::string& reason, const Trainer& trainer, TrainingState& state,
           const Peaks& peaks);
  bool ended() const { return ended_; }

 private:
  void record_end(Status status, const std::string& reason);
  bool has_checkpoint() const;
  double wall_seconds() const { return wall_before_ + steady_seconds() - started_; }
  Json peaks_so_far(const Trainer& trainer, const TrainingState& state) const;

  const std::string started_at_ = utc_now();
  const double started_ = steady_seconds();
  const std::optional<double> price_per_hour_;
  RunDirectory directory_;
  const RunSpec spec_;
  CpuPeakMemory peak_memory_;
  double wall_before_ = 0;  // of the processes before this one
  std::int64_t resident_before_ = 0;
  Json memory_;  // null until measuring ends
  bool ended_ = false;
};

}  // namespace dtbench
