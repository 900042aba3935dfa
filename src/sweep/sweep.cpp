#include "sweep/sweep.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/file_lock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "record/run_directory.h"
#include "sweep/budget.h"
#include "sweep/cell_starter.h"
#include "sweep/next_move.h"
#include "sweep/signals.h"
#include "sweep/tensorboard.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr double kSecondsToStop = 4;  // after SIGTERM; callers wait 5

class Sweep {
 public:
  Sweep(std::vector<SweepCell>& cells, const SweepOptions& options, SweepObserver& observer)
      : cells_(cells),
        options_(options),
        observer_(observer),
        ledger_(account_folder(options)),
        budget_(options, ledger_),
        starter_(options, ledger_),
        progress_(cells) {
    progress_.title = options.title;
    for (const Slot& slot : options.slots)
      places_.push_back({slot, nullptr, std::nullopt});
    for (const SweepCell& cell : cells)
      kinds_.push_back(kind_of(cell.spec));
  }

  SweepEnd run() {
    starter_.look_first(cells_);
    predictor_ = predict(cells_, options_);
    if (options_.budget && !options_.unpredicted) leave_out_unpredictable();
    const bool failed = progress_.count(CellState::kFailed) > 0;
    if (progress_.ended() == cells_.size() || (failed && options_.fail_fast)) return {exit_code()};
    list_cells();
    signals_.emplace({SIGTSTP, SIGCHLD});
    report();
    observer_.begin(progress_);
    had_work_at_ = steady_seconds();
    while (work_left()) {
      fill();
      report();
      observer_.tick(progress_);
      handle(signals_->next(any_running() ? kTick : kLeastSecondsBetweenLooks));
      tend();
    }
    if (stopped_by_ != 0) look_at_others();
    report();
    observer_.finish();
    return {exit_code(), stopped_by_};
  }

 private:
  struct Place {
    Slot slot;
    SweepCell* cell;
    std::optional<CellAtWork> work;
  };

  // --- before the first cell starts ---

  // For who watches: cells that are not begun have no record.
  void list_cells() const {
    Json list = Json::array();
    for (const SweepCell& cell : cells_)
      list.push_back({{"cell_id", cell.run.filename().string()},
                      {"name", cell.name},
                      {"steps", cell.spec.train.steps}});
    const std::string text = Json{{"cells", list},
                                  {"title", options_.title},
                                  {"lease_s", options_.lease_s},
                                  {"price_per_hour", number_or_null(options_.price_per_hour)},
                                  {"budget", number_or_null(options_.budget)}}
                                 .dump(1);
    const fs::path folder = sweep_folder(options_.out) / "cells";
    make_directories(folder);
    write_file_atomically(folder / (sha256_hex(text).substr(0, 16) + ".json"), text);
  }

  // --- the loop ---

  bool any_running() const {
    return std::any_of(places_.begin(), places_.end(),
                       [](const Place& place) { return place.work.has_value(); });
  }

  bool work_left() {
    if (any_running()) {
      had_work_at_ = steady_seconds();
      return true;
    }
    return !ending_ && progress_.ended() < cells_.size() && !others_have_the_rest();
  }

  // For who does not wait for others: nothing was to be had for so long that a dead process' lease
  // would have expired before this one's eyes.
  bool others_have_the_rest() const {
    return !options_.wait &&
           steady_seconds() - had_work_at_ > options_.lease_s + 4 * between_looks_;
  }

  void handle(int signal) {
    switch (signal) {
      case SIGINT:
        if (progress_.stopping) return signal_all(SIGKILL);
        return stop_by(signal);
      case SIGTERM:
      case SIGHUP:
        if (!kill_at_) kill_at_ = steady_seconds() + kSecondsToStop;
        return stop_by(signal);
      case SIGUSR1:  // how schedulers warn of the end
      case SIGUSR2:
        return stop_by(signal);
      case SIGTSTP:
        observer_.leave();
        signal_all(SIGSTOP);
        kill(getpid(), SIGSTOP);
        signal_all(SIGCONT);
        observer_.enter();
        return;
      default:  // SIGCHLD: only a reason to look; 0: none came
        return;
    }
  }

  void handle_all() {
    while (const int signal = signals_->next(0))
      handle(signal);
  }

  void stop_by(int signal) {
    if (stopped_by_ == 0) stopped_by_ = signal;
    progress_.stopping = true;
    stop_all();
  }

  // No more cells are started; those that run save a checkpoint.
  void stop_all() {
    ending_ = true;
    for (const Place& place : places_)
      if (place.work) place.work->running->stop();
  }

  void signal_all(int number) const {
    for (const Place& place : places_)
      if (place.work) place.work->running->signal(number);
  }

  void tend() {
    if (kill_at_ && steady_seconds() > *kill_at_) signal_all(SIGKILL);
    for (Place& place : places_) {
      if (!place.work) continue;
      place.work->running->tick();
      show_step(*place.cell);
      if (place.work->running->ended()) {
        handle_all();  // of a signal to all processes the engine's part may be over already
        conclude(place);
      }
    }
    if (!ending_ && budget_.used_up(unaccounted_device_s())) {
      exhausted_ = true;
      stop_all();
    }
  }

  // Ten times a second from every process would be most of what a shared folder is asked.
  void show_step(SweepCell& cell) const {
    if (observer_.shows_steps()) cell.step = last_step(cell.run);
  }

  void conclude(Place& place) {
    const CellAtWork work = *std::exchange(place.work, std::nullopt);
    SweepCell& cell = *place.cell;
    const std::string failure = work.running->conclude();
    budget_.refresh();
    if (options_.tensorboard) write_event_file(cell.run);
    if (work.running->lease_lost()) {
      cell.state = CellState::kElsewhere;
      return;
    }
    if (ending_ && !failure.empty() && !work.running->timed_out()) {
      work.lease->end("");  // anybody may go on with it
      cell.state = exhausted_ ? CellState::kLeftOut : CellState::kWaiting;
      return;
    }
    work.lease->end(failure);
    if (failure.empty())
      cell.state = CellState::kDone;
    else
      cell.fail(failure, work.running->exit_code());
    end(cell);
  }

  // Of a cell that is done or failed.
  void end(SweepCell& cell) {
    if (cell.state == CellState::kDone)
      learn(cell);
    else if (options_.fail_fast)
      stop_all();
    report();
    observer_.cell_ended(progress_, cell);
  }

  // --- choosing what to start ---

  void fill() {
    for (Place& place : places_)
      if (!ending_ && !place.work && !start_next(place)) return;
  }

  bool start_next(Place& place) {
    const double begin = steady_seconds();
    const bool look_elsewhere = begin >= next_look_;
    if (!look_elsewhere && progress_.count(CellState::kWaiting) == 0) return false;
    const std::unique_ptr<FileLock> alone = budget_.lock();
    const Choice choice = choose(cells_, look_elsewhere, [&](SweepCell& cell) {
      if (ending_) return Taking::kNotAvailable;
      if (!pay(cell, place.slot)) return Taking::kTooExpensive;
      return start(cell, place) ? Taking::kTaken : Taking::kNotAvailable;
    });
    if (look_elsewhere && !choice.taken)
      between_looks_ = seconds_between_looks(steady_seconds() - begin, options_.lease_s);
    if (look_elsewhere) next_look_ = steady_seconds() + between_looks_;
    if (choice.too_expensive && !choice.taken && !any_running() &&
        progress_.count(CellState::kElsewhere) == 0)
      leave_out();
    return choice.taken;
  }

  // Whether the budget pays for the cell beside those that run.
  bool pay(SweepCell& cell, const Slot& slot) {
    if (!options_.budget || options_.unpredicted || cell.state == CellState::kElsewhere)
      return true;
    return budget_.pays_for(cell.predicted_s.value_or(0) * slot.share, committed_device_s());
  }

  // What is still to be spent on cells that run, here and elsewhere, and what was not put down yet.
  double committed_device_s() const {
    double sum = 0;
    for (const Place& place : places_)
      if (place.work)
        sum += place.work->running->unaccounted_device_s() +
               std::max(0.0, place.cell->predicted_s.value_or(0) * place.slot.share -
                                 place.work->running->device_s());
    for (const SweepCell& cell : cells_)
      if (cell.state == CellState::kElsewhere)
        sum += cell.predicted_s.value_or(0) * options_.slots.front().share;
    return sum;
  }

  double unaccounted_device_s() const {
    double sum = 0;
    for (const Place& place : places_)
      if (place.work) sum += place.work->running->unaccounted_device_s();
    return sum;
  }

  void leave_out() {
    for (SweepCell& cell : cells_) {
      if (cell.state != CellState::kWaiting) continue;
      starter_.look_at_record(cell);  // another process may have finished it
      if (cell.state == CellState::kWaiting) cell.state = CellState::kLeftOut;
    }
  }

  // What other processes finished since the last look counts as done.
  void look_at_others() {
    for (SweepCell& cell : cells_)
      if (cell.state == CellState::kWaiting || cell.state == CellState::kElsewhere)
        starter_.look_at_record(cell);
  }

  void leave_out_unpredictable() {
    for (SweepCell& cell : cells_) {
      if (cell.ended() || cell.predicted_s) continue;
      cell.state = CellState::kLeftOut;
      cell.failure =
          cell.failure.empty()
              ? "its cost is unknown: the budget ended before the calibration of its kind"
              : concat("its cost is unknown: the calibration of its kind failed: ", cell.failure);
    }
  }

  // Tells whether the place is taken now.
  bool start(SweepCell& cell, Place& place) {
    place.work = starter_.start(cell, place.slot);
    place.cell = &cell;
    if (cell.state == CellState::kElsewhere) show_step(cell);
    if (!place.work && cell.ended()) end(cell);
    return place.work.has_value();
  }

  // --- what is known ---

  // Its record was looked at whole before.
  void learn(SweepCell& ended) {
    predictor_.learn(ended.spec, read_run(ended.run, RecordFiles::kSpecAndResult),
                     wall_seconds(budget_.spent(), ended.run));
    const std::string kind = kind_of(ended.spec);
    for (std::size_t i = 0; i < cells_.size(); ++i)
      if (kinds_[i] == kind) cells_[i].predicted_s = predictor_.seconds(cells_[i].spec);
  }

  void report() {
    progress_.left_s = left_seconds();
    progress_.budget = options_.budget;
    if (options_.price_per_hour) progress_.spent_usd = budget_.spent_usd(unaccounted_device_s());
  }

  // By the predictions, and the mean of them for cells that have none.
  std::optional<double> left_seconds() const {
    double known = 0, count = 0, left = 0, unknown = 0;
    for (const SweepCell& cell : cells_) {
      if (cell.predicted_s) known += *cell.predicted_s;
      count += cell.predicted_s ? 1 : 0;
      if (cell.ended()) continue;
      left += cell.predicted_s.value_or(0);
      unknown += cell.predicted_s ? 0 : 1;
    }
    if (count == 0) return std::nullopt;
    for (const Place& place : places_)
      if (place.work)
        left -= std::min(place.work->running->wall_s(),
                         place.cell->predicted_s.value_or(known / count));
    return std::max(0.0, (left + unknown * known / count) / static_cast<double>(places_.size()));
  }

  ExitCode exit_code() const {
    if (progress_.stopping) return ExitCode::kInterrupted;
    if (progress_.count(CellState::kFailed) == 0) return ExitCode::kDone;
    const bool all_may_pass = std::all_of(cells_.begin(), cells_.end(), [](const SweepCell& cell) {
      return cell.state != CellState::kFailed || cell.failure_code == ExitCode::kRetryable;
    });
    return all_may_pass ? ExitCode::kRetryable : ExitCode::kPermanent;
  }

  std::vector<SweepCell>& cells_;
  const SweepOptions& options_;
  SweepObserver& observer_;
  Ledger ledger_;
  Budget budget_;
  CellStarter starter_;
  Predictor predictor_;
  std::vector<std::string> kinds_;  // of the cells
  SweepProgress progress_;
  std::optional<SignalQueue> signals_;
  std::vector<Place> places_;
  double next_look_ = 0, between_looks_ = kLeastSecondsBetweenLooks, had_work_at_ = 0;
  std::optional<double> kill_at_;
  int stopped_by_ = 0;  // a signal
  bool ending_ = false, exhausted_ = false;
};

}  // namespace

SweepEnd run_sweep(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer) {
  return Sweep(cells, options, observer).run();
}

}  // namespace dtbench
