#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/read_file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/sweep_view.h"
#include "record/run_directory.h"
#include "record/run_summary.h"
#include "record/status.h"
#include "sweep/folder_names.h"
#include "sweep/lease.h"
#include "sweep/ledger.h"
#include "sweep/signals.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsBetweenLooks = 1;
constexpr double kSecondsOfSilence = 3;  // between two cells nobody may work for a moment
constexpr double kLeaseSeconds = 60;
constexpr const char* kFix =
    "Give the folder that 'dtbench matrix --out' names, or wait for its first cell with --follow.";

// Cells as the matrices of a folder and of its further sessions listed them, and what was run there
// besides. Calibrations are shown while they run, or while there is nothing else.
class Watch {
 public:
  explicit Watch(const fs::path& folder)
      : folder_(folder), ledger_(sweep_folder(folder) / "ledger") {}

  // Until no process works on the cells.
  void run(SweepObserver& view) {
    std::error_code error;
    if (!fs::is_directory(folder_, error)) throw no_folder();
    find_cells();
    find_unlisted();
    if (cells_.empty() && calibrations_.empty())
      throw usage_error(concat("There are no cells in '", folder_.string(), "'."), kFix);
    const SignalQueue signals;
    double last_work = steady_seconds();
    bool worked = false;  // before one's eyes: a study's next stage may come
    show(view, signals, [&](const SweepProgress& progress) {
      if (progress.count(CellState::kElsewhere) > 0) {
        last_work = steady_seconds();
        worked = true;
      }
      return (worked || progress.ended() < progress.cells.size()) &&
             steady_seconds() - last_work < kSecondsOfSilence;
    });
  }

  // Until a signal: waits for the first cell, and takes up those that are listed later.
  void follow(SweepObserver& view) {
    const SignalQueue signals;
    for (bool told = false;; told = true) {
      if (std::error_code error; fs::exists(folder_, error) && !fs::is_directory(folder_, error))
        throw no_folder();
      find_cells();
      find_unlisted();
      if (!cells_.empty() || !calibrations_.empty()) break;
      if (!told) log_info(concat("waiting for the first cell in '", folder_.string(), "'"));
      if (signals.next(kSecondsBetweenLooks) != 0) return;
    }
    show(view, signals, [](const SweepProgress&) { return true; });
  }

 private:
  Error no_folder() const {
    return usage_error(concat("'", folder_.string(), "' is not a folder of runs."), kFix);
  }

  template <class Continues>
  void show(SweepObserver& view, const SignalQueue& signals, Continues continues) {
    SweepProgress progress(shown_);
    look(progress, nullptr);
    view.begin(progress);
    do {
      find_cells();
      look(progress, &view);
      view.tick(progress);
    } while (continues(progress) && signals.next(kSecondsBetweenLooks) == 0);
    view.finish();
    log_info(whole_line(progress));
  }

  void find_cells() {
    find_lists(folder_);
    std::error_code error;  // sessions are numbered without gaps; a listing would name every record
    for (int session = 2;; ++session) {
      const fs::path folder = folder_ / concat(kSessionFolder, session);
      if (!fs::is_directory(folder, error)) break;
      find_lists(folder);
    }
  }

  void find_lists(const fs::path& folder) {
    read_lists(folder, cells_);
    read_lists(calibration_folder(folder), calibrations_);
  }

  // Those that are new, or written again: a stage that is gone on with has the name it had.
  void read_lists(const fs::path& folder, std::vector<SweepCell>& cells) {
    const fs::path lists = sweep_folder(folder) / "cells";
    for (const std::string& name : names_in(lists)) {
      if (!name.ends_with(".json")) continue;
      const fs::file_time_type written = fs::last_write_time(lists / name);
      if (const auto read = lists_.find(lists / name);
          read != lists_.end() && read->second == written)
        continue;
      lists_[lists / name] = written;
      read_list(folder, lists / name, written, cells);
    }
  }

  void read_list(const fs::path& folder, const fs::path& file, fs::file_time_type written,
                 std::vector<SweepCell>& cells) {
    const Json list = read_json_file(file);
    const Json listed = list.is_object() ? list.value("cells", Json()) : Json();
    if (!listed.is_array() || !std::all_of(listed.begin(), listed.end(),
                                           [](const Json& cell) { return cell.is_object(); }))
      throw usage_error(concat("'", file.string(), "' is not a list of cells."),
                        "Remove it: the next 'dtbench matrix' in this folder writes its own.");
    for (const Json& cell : listed)
      add_listed(folder, cell, cells);
    if (written >= newest_) take_account(list, written);
  }

  // What 'dtbench run' trained beside the cells of a matrix.
  void find_unlisted() {
    for (const RunRecord& run : read_runs(folder_))
      add_run(run);
  }

  void add_listed(const fs::path& folder, const Json& listed, std::vector<SweepCell>& cells) {
    SweepCell cell;
    cell.name = readable_member(listed, "name");
    cell.run = folder / readable_member(listed, "cell_id");
    if (const Json steps = listed.value("steps", Json()); steps.is_number_integer())
      cell.spec.train.steps = steps.get<std::int64_t>();
    add(std::move(cell), cells);
  }

  // What the list that was written last says of all cells.
  void take_account(const Json& list, fs::file_time_type written) {
    newest_ = written;
    title_ = text_or(list.value("title", Json()), "");
    price_per_hour_ = number_in(list, "price_per_hour");
    budget_ = number_in(list, "budget");
    lease_s_ = number_in(list, "lease_s").value_or(kLeaseSeconds);
  }

  static std::optional<double> number_in(const Json& list, const char* member) {
    const Json number = list.value(member, Json());
    return number.is_number() ? std::optional(number.get<double>()) : std::nullopt;
  }

  void add_run(const RunRecord& run) {
    SweepCell cell;
    const Json summary = summary_of(run);
    cell.name = concat(readable_member(summary, "scenario"), " ",
                       readable_member(summary, "policy"), " seed ", summary.at("seed").dump());
    cell.run = run.path;
    if (summary.at("steps").is_number_integer())
      cell.spec.train.steps = summary.at("steps").get<std::int64_t>();
    add(std::move(cell), cells_);
  }

  static std::string readable_member(const Json& object, const char* member) {
    const Json value = object.value(member, Json());
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  void add(SweepCell cell, std::vector<SweepCell>& cells) {
    if (known_.insert(cell.run.lexically_normal()).second) cells.push_back(std::move(cell));
  }

  // `view` is null at the first look: what ended before is no news.
  void look(SweepProgress& progress, SweepObserver* view) {
    const std::vector<std::size_t> ended = look_at(cells_);
    look_at(calibrations_);
    shown_ = cells_;
    std::copy_if(calibrations_.begin(), calibrations_.end(), std::back_inserter(shown_),
                 [this](const SweepCell& cell) {
                   return cells_.empty() || cell.state == CellState::kElsewhere;
                 });
    progress.title = title_;
    progress.budget = budget_;
    if (price_per_hour_)
      progress.spent_usd = cost_of(device_seconds(ledger_.by_cell()), *price_per_hour_);
    if (view == nullptr) return;
    for (const std::size_t i : ended)
      view->cell_ended(progress, cells_[i]);
  }

  // Those that ended since the last look, by their places.
  std::vector<std::size_t> look_at(std::vector<SweepCell>& cells) {
    std::vector<std::size_t> ended;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const CellState before = cells[i].state;
      if (before == CellState::kDone) continue;  // a failed one may be tried again
      look_at(cells[i]);
      if (cells[i].ended() && cells[i].state != before) ended.push_back(i);
    }
    return ended;
  }

  void look_at(SweepCell& cell) {
    const LeaseView lease = leases_in(cell.run.parent_path()).look(cell.run.filename().string());
    if (lease.standing == LeaseStanding::kHeld || is_running(cell.run)) {
      cell.state = CellState::kElsewhere;
      cell.step = last_step(cell.run);
      return;
    }
    if (cell.state == CellState::kFailed && !lease.failure.empty() && lease.failure == cell.failure)
      return;  // nobody has tried it again: its record need not be read at every look
    cell.state = CellState::kWaiting;
    if (!fs::exists(cell.run / "result.json") && lease.failure.empty()) return;
    const RunRecord record = read_run(cell.run);
    if (is_whole(record))
      cell.state = CellState::kDone;
    else if (!lease.failure.empty() || status_of(record) != Status::kInterrupted)
      cell.state = CellState::kFailed;
    cell.failure = cell.state == CellState::kFailed ? lease.failure : "";
  }

  Leases& leases_in(const fs::path& folder) {
    return leases_.try_emplace(folder, sweep_folder(folder) / "leases", lease_s_).first->second;
  }

  const fs::path folder_;
  const Ledger ledger_;
  std::map<fs::path, Leases> leases_;  // by the folder of the cells
  std::vector<SweepCell> cells_, calibrations_;
  std::vector<SweepCell> shown_;  // all cells, and the calibrations that run; all before any cell
  std::set<fs::path> known_;      // cells
  std::map<fs::path, fs::file_time_type> lists_;  // that were read, as they were written then
  fs::file_time_type newest_ = fs::file_time_type::min();
  std::string title_;
  double lease_s_ = kLeaseSeconds;
  std::optional<double> price_per_hour_, budget_;
};

}  // namespace

void add_watch_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("watch", "show a matrix's progress until no process is working on it");
  const auto folder = std::make_shared<std::string>("runs");
  const auto follows = std::make_shared<bool>(false);
  command->add_option("folder", *folder, "root folder of records (default: runs)");
  command->add_flag("--follow", *follows,
                    "keep watching until Ctrl-C: wait for the first cell, and show cells that "
                    "matrices add later");
  command->callback([folder, follows] {
    Watch watch(*folder);
    const std::unique_ptr<SweepObserver> view =
        make_sweep_view("Ctrl-C ends the view, not the training.");
    *follows ? watch.follow(*view) : watch.run(*view);
  });
}

}  // namespace dtbench
