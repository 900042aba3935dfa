// Trains the cells of a matrix: a process each, several at a time, perhaps together with other
// processes that do the same on the same folder, within a budget. What remains of a cell is its
// record; what remains of the matrix stands in <out>/.sweep: leases, the account of device time,
// and the list of cells for who watches.
#pragma once

#include <vector>

#include "base/error.h"
#include "sweep/prediction.h"
#include "sweep/sweep_cell.h"
#include "sweep/sweep_options.h"

namespace dtbench {

class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual bool shows_steps() const = 0;                   // those of cells that run
  virtual void begin(const SweepProgress& progress) = 0;  // there is something to do
  virtual void tick(const SweepProgress& progress) = 0;   // ten times a second
  virtual void cell_ended(const SweepProgress& progress, const SweepCell& cell) = 0;
  virtual void leave() = 0;  // before the process stops (Ctrl-Z)
  virtual void enter() = 0;  // when it goes on
  virtual void finish() = 0;
};

struct SweepEnd {
  // kDone, kInterrupted, or when a cell failed kRetryable (all failures may pass) or kPermanent.
  ExitCode code = ExitCode::kDone;
  int signal = 0;  // that asked it to stop; 0: none did
};

// Fills in the cells. Finished ones are passed over; what goes wrong with one is its `failure` and
// harms no other. Signals that ask to stop (base/stop_signals.h): running cells save a checkpoint,
// within 5 s of SIGTERM and SIGHUP, and with all the time they need on SIGINT, SIGUSR1 and SIGUSR2,
// with which schedulers warn. A further SIGINT ends them at once; the others may come repeatedly,
// as schedulers send them. Throws Error for what concerns the whole.
SweepEnd run_sweep(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer);

// Trains a few steps of each kind of cell that no record tells the duration of, into
// calibration_folder(out), and fills in the cells' predictions. A kind whose calibration fails is
// left without one, and its cells' `failure` says why. `options` as for the cells.
SweepEnd calibrate(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer);

// Fills in the predictions that records allow, those of calibrations among them.
Predictor predict(std::vector<SweepCell>& cells, const SweepOptions& options);

}  // namespace dtbench
