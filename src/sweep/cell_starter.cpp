#include "sweep/cell_starter.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/places.h"
#include "data/hub_files.h"
#include "data/store.h"
#include "record/run_directory.h"
#include "sweep/folder_names.h"
#include "sweep/next_move.h"

namespace dtbench {

namespace fs = std::filesystem;

namespace {

fs::path leases_folder(const SweepOptions& options) {
  return sweep_folder(options.out) / "leases";
}

}  // namespace

CellStarter::CellStarter(const SweepOptions& options, Ledger& ledger)
    : options_(options), ledger_(ledger), leases_(leases_folder(options), options.lease_s) {
  if (options.same_engine) engine_.emplace();
}

// A lease or a record that comes after the listing is news, as it would be a moment later.
void CellStarter::look_first(std::vector<SweepCell>& cells) {
  const std::set<std::string> leased = names_in(leases_folder(options_)),
                              begun = names_in(options_.out);
  for (SweepCell& cell : cells) {
    const std::string id = cell.run.filename().string();
    if (leased.contains(id)) {
      const LeaseView view = leases_.look(id);
      old_lease_[id] = view.standing == LeaseStanding::kHeld ? view.number - 1 : view.number;
    }
    look_at_record(cell, begun.contains(id));
  }
}

// Cells share stores and weights, and to prepare a store hashes it and its sources. start() does so
// for each cell that it starts; for records, of which each process sees all, once is enough. What
// fails, fails once in this process: not once a cell, nor again for the cells whose calibrations
// have failed.
const CellFiles& CellStarter::files_for(const RunSpec& spec) {
  static std::map<std::string, Error> failures;
  const Json all = to_json(spec);
  const Json& model = all.at("model");
  const std::string decides = canonical_json(Json::array(
      {all.at("data"), all.at("objective"), model.at("architecture"), model.at("init")}));
  if (const auto found = files_.find(decides); found != files_.end()) return found->second;
  if (const auto failed = failures.find(decides); failed != failures.end()) throw failed->second;
  try {
    return files_.emplace(decides, files_of_cell(spec, options_.configs)).first->second;
  } catch (const Error& error) {
    failures.emplace(decides, error);
    throw;
  }
}

void CellStarter::look_at_record(SweepCell& cell, bool begun) {
  try {
    const CellFiles& files = files_for(cell.spec);
    if (!begun || !fs::exists(cell.run / "result.json")) return;
    if (engine_) engine_->require_same(cell.run);
    if (is_finished(cell.spec, cell.run, files)) finish(cell);
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
  const Move move = next_move(cell.state, view, old_lease_[id]);
  if (move == Move::kLeaveToOthers || is_running(cell.run)) {
    cell.state = CellState::kElsewhere;
    return std::nullopt;
  }
  if (move == Move::kGiveUp) {
    cell.fail(view.failure, ExitCode::kPermanent);
    return std::nullopt;
  }
  if (move == Move::kLookAtRecord) {  // finished there, or left for others to go on with
    const bool paid_for = cell.state == CellState::kWaiting;
    cell.state = CellState::kWaiting;
    look_at_record(cell);
    if (cell.ended() || !paid_for) return std::nullopt;
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
      const RunningCell::Limits limits{options_.lease_s / kBeatsInALease, options_.timeout_s};
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
