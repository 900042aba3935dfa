#include "sweep/cell_starter.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/places.h"
#include "data/hub_files.h"
#include "data/store.h"
#include "record/run_directory.h"

namespace dtbench {

namespace fs = std::filesystem;

CellStarter::CellStarter(const SweepOptions& options, Ledger& ledger)
    : options_(options),
      ledger_(ledger),
      leases_(sweep_folder(options.out) / "leases", options.lease_s) {
  if (options.same_engine) engine_.emplace();
}

void CellStarter::look_first(SweepCell& cell) {
  const std::string id = cell.run.filename().string();
  const LeaseView view = leases_.look(id);
  old_lease_[id] = view.standing == LeaseStanding::kHeld ? view.number - 1 : view.number;
  look_at_record(cell);
}

// Cells share stores and weights, and to prepare a store hashes it and its sources; start() does so
// for each cell. What fails, fails once in this process: not once a cell, nor again for the cells
// whose calibrations have failed.
void CellStarter::prepare_files(const RunSpec& spec) {
  static std::map<std::string, Error> failures;
  const Json all = to_json(spec);
  const Json& model = all.at("model");
  const std::string decides = canonical_json(Json::array(
      {all.at("data"), all.at("objective"), model.at("architecture"), model.at("init")}));
  if (prepared_.contains(decides)) return;
  if (const auto failed = failures.find(decides); failed != failures.end()) throw failed->second;
  try {
    initial_weights_file(spec);
    prepare_store(spec, cache_folder(), options_.configs);
  } catch (const Error& error) {
    failures.emplace(decides, error);
    throw;
  }
  prepared_.insert(decides);
}

void CellStarter::look_at_record(SweepCell& cell) {
  try {
    if (!fs::exists(cell.run / "result.json"))
      prepare_files(cell.spec);
    else if (prepare(cell, OldRecord::kGoOn).finished)
      finish(cell);
  } catch (const Error& error) {
    if (options_.rerun && error.code() == ExitCode::kUsage && fs::exists(cell.run)) return;
    cell.fail(error.what(), error.code());
  }
}

PreparedCell CellStarter::prepare(const SweepCell& cell, OldRecord old_record) const {
  if (engine_ && old_record == OldRecord::kGoOn) engine_->require_same(cell.run);
  return prepare_cell(cell.spec, options_.out, options_.configs, old_record);
}

// --rerun: what is refused is trained anew.
PreparedCell CellStarter::prepare_or_set_aside(const SweepCell& cell) const {
  try {
    return prepare(cell, OldRecord::kGoOn);
  } catch (const Error& error) {
    if (!options_.rerun || error.code() != ExitCode::kUsage || !fs::exists(cell.run)) throw;
    return prepare(cell, OldRecord::kSetAside);
  }
}

std::optional<CellAtWork> CellStarter::start(SweepCell& cell, const Slot& slot) {
  const std::string id = cell.run.filename().string();
  const LeaseView view = leases_.look(id);
  if (view.standing == LeaseStanding::kHeld || is_running(cell.run)) {
    cell.state = CellState::kElsewhere;
    cell.step = last_step(cell.run);
    return std::nullopt;
  }
  if (view.number > old_lease_[id] && !view.failure.empty()) {  // another process tried it
    cell.fail(view.failure, ExitCode::kPermanent);
    return std::nullopt;
  }
  if (cell.state == CellState::kElsewhere) {  // finished there, or left for others to go on with
    cell.state = CellState::kWaiting;
    look_at_record(cell);
    return std::nullopt;
  }
  std::unique_ptr<Lease> lease = leases_.acquire(id, view);
  if (lease) return start_with(std::move(lease), cell, slot);
  cell.state = CellState::kElsewhere;
  return std::nullopt;
}

std::optional<CellAtWork> CellStarter::start_with(std::unique_ptr<Lease> lease, SweepCell& cell,
                                                  const Slot& slot) {
  try {
    const PreparedCell prepared = prepare_or_set_aside(cell);
    if (!prepared.finished) {
      stamp(cell);
      const RunningCell::Limits limits{options_.lease_s / 6, options_.timeout_s};
      const RunningCell::Means means{slot, options_.price_per_hour, options_.session,
                                     options_.profile, options_.health};
      auto running = std::make_unique<RunningCell>(prepared, means, *lease, ledger_, limits);
      cell.state = CellState::kRunning;
      cell.step.reset();
      return CellAtWork{std::move(lease), std::move(running)};
    }
    lease->end("");
    finish(cell);  // by another process, meanwhile
  } catch (const Error& error) {
    const bool elsewhere = is_running(cell.run);  // by 'dtbench run', which takes no lease
    lease->end(elsewhere ? "" : error.what());
    if (elsewhere)
      cell.state = CellState::kElsewhere;
    else
      cell.fail(error.what(), error.code());
  }
  return std::nullopt;
}

// Also a stage that uses what an earlier one trained is noted.
void CellStarter::finish(SweepCell& cell) const {
  cell.state = CellState::kDone;
  if (options_.study) put_study_note(cell.run, *options_.study);
}

void CellStarter::stamp(const SweepCell& cell) const {
  if (options_.study) put_study_note(cell.run, *options_.study);
  if (!engine_ || fs::exists(cell.run / "checkpoint")) return;
  make_directories(cell.run);
  engine_->put(cell.run);
}

}  // namespace dtbench
