// Trains the cells of a matrix: a process each, several at a time, perhaps together with other
// processes that do the same on the same folder, within a budget. What remains of a cell is its
// record; what remains of the matrix stands in <out>/.sweep: leases, the account of device time,
// and the list of cells for who watches.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/error.h"
#include "sweep/prediction.h"
#include "sweep/slots.h"
#include "sweep/sweep_cell.h"

namespace dtbench {

struct SweepOptions {
  std::filesystem::path out, configs;
  std::vector<Slot> slots;
  bool rerun = false;               // anew where a record cannot be gone on with
  bool fail_fast = false;           // the first failure ends the others, with checkpoints
  bool same_engine = true;          // records of another engine are refused
  bool tensorboard = false;         // event files
  bool unpredicted = false;         // with a budget: start also what no prediction is there for
  std::optional<double> timeout_s;  // of one attempt at a cell
  double lease_s = 60;              // a heartbeat silent for so long has stopped
  std::optional<double> price_per_hour;  // of a device, in USD
  std::optional<double> budget;          // USD, needs the price
  std::filesystem::path account;         // of device time (ledger.h); empty: <out>/.sweep/ledger
};

std::filesystem::path sweep_folder(const std::filesystem::path& out);  // <out>/.sweep
std::filesystem::path calibration_folder(const std::filesystem::path& out);
std::filesystem::path account_folder(const SweepOptions& options);

// USD for so many seconds of a device.
double cost_of(double device_s, double price_per_hour);

class SweepObserver {
 public:
  virtual ~SweepObserver() = default;
  virtual void begin(const SweepProgress& progress) = 0;  // there is something to do
  virtual void tick(const SweepProgress& progress) = 0;   // ten times a second
  virtual void cell_ended(const SweepProgress& progress, const SweepCell& cell) = 0;
  virtual void leave() = 0;  // before the process stops (Ctrl-Z)
  virtual void enter() = 0;  // when it goes on
  virtual void finish() = 0;
};

// Fills in the cells. Finished ones are passed over; what goes wrong with one is its `failure` and
// harms no other. SIGINT, SIGTERM or SIGHUP: running cells save a checkpoint, within 5 s of SIGTERM
// and SIGHUP; a second signal ends them at once. Returns kDone, kInterrupted, or when a cell failed
// kRetryable (all failures may pass) or kPermanent. Throws Error for what concerns the whole.
ExitCode run_sweep(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer);

// Trains a few steps of each kind of cell that no record tells the duration of, into
// calibration_folder(out), and fills in the cells' predictions. A kind whose calibration fails is
// left without one, and its cells' `failure` says why. `options` as for the cells.
ExitCode calibrate(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer);

// Fills in the predictions that records allow, those of calibrations among them.
Predictor predict(std::vector<SweepCell>& cells, const SweepOptions& options);

}  // namespace dtbench
