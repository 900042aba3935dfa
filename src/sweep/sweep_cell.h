// A cell of a matrix as one process sees it, and all of them together.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/run_spec.h"
#include "sweep/last_step.h"

namespace dtbench {

enum class CellState {
  kWaiting,
  kRunning,
  kElsewhere,  // another process trains it
  kDone,
  kFailed,
  kLeftOut,  // the budget does not pay for it
};

const char* to_string(CellState value);  // "waiting", "running", "elsewhere", ...

struct SweepCell {
  RunSpec spec;
  std::string name;           // for people
  std::size_t round = 0;      // cells of a round come before those of the next
  std::filesystem::path run;  // its run directory

  CellState state = CellState::kWaiting;
  std::string failure;                           // why it was not trained, "" otherwise
  ExitCode failure_code = ExitCode::kPermanent;  // of a cell that failed
  std::optional<LastStep> step;                  // while it runs
  std::optional<double> predicted_s;             // wall time of the whole cell

  bool ended() const;  // there is nothing more to do for it
  void fail(const std::string& why, ExitCode code);
};

std::size_t count(const std::vector<SweepCell>& cells, CellState state);

struct SweepProgress {
  explicit SweepProgress(const std::vector<SweepCell>& all) : cells(all) {}

  const std::vector<SweepCell>& cells;
  std::optional<double> left_s;     // until all cells are done
  std::optional<double> spent_usd;  // by all processes, ever
  std::optional<double> budget;
  std::string title;      // the part of a study that these cells are, "" for a matrix
  bool stopping = false;  // running cells save a checkpoint and end

  std::size_t count(CellState state) const;
  std::size_t ended() const;
};

}  // namespace dtbench
