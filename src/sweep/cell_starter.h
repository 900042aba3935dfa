// From a cell that waits to one that is trained: its lease is taken before another process does,
// its data prepared, its record looked at, its engine started.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sweep/engine_stamp.h"
#include "sweep/lease.h"
#include "sweep/ledger.h"
#include "sweep/prepared_cell.h"
#include "sweep/running_cell.h"
#include "sweep/slots.h"
#include "sweep/sweep_cell.h"
#include "sweep/sweep_options.h"

namespace dtbench {

struct CellAtWork {
  std::unique_ptr<Lease> lease;
  std::unique_ptr<RunningCell> running;  // holds on to the lease
};

class CellStarter {
 public:
  // Both outlive it and what it starts. Throws Error (permanent) without an engine.
  CellStarter(const SweepOptions& options, Ledger& ledger);

  // To be called with all cells before the first one starts: what became of the leases that had
  // ended by then is no news. Prepares data and weights too, which may take long: later, heartbeats
  // would have to wait for it. Cells may be done or have failed afterwards.
  void look_first(std::vector<SweepCell>& cells);

  // Whether another process has finished the cell meanwhile: it may be done or have failed then.
  // `begun`: whether it may have a record.
  void look_at_record(SweepCell& cell, bool begun = true);

  // Nothing where the cell is not to be had: its state is then elsewhere, done or failed, or
  // waiting again for the next call.
  std::optional<CellAtWork> start(SweepCell& cell, const Slot& slot);

 private:
  PreparedCell prepare(const SweepCell& cell, OldRecord old_record) const;
  PreparedCell prepare_or_set_aside(const SweepCell& cell) const;
  std::optional<CellAtWork> start_with(std::unique_ptr<Lease> lease, SweepCell& cell,
                                       const Slot& slot);
  const CellFiles& files_for(const RunSpec& spec);
  void stamp(const SweepCell& cell) const;
  void finish(SweepCell& cell) const;

  const SweepOptions& options_;
  Ledger& ledger_;
  Leases leases_;
  std::optional<EngineStamp> engine_;
  std::map<std::string, std::int64_t> old_lease_;  // the last that had ended, by cell
  std::map<std::string, CellFiles> files_;         // by what decides them
};

}  // namespace dtbench
