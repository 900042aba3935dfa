#include "engine/cell.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/torchrun.h"
#include "engine/cell_record.h"
#include "engine/distributed/ranks.h"
#include "engine/failure.h"
#include "engine/following_rank.h"
#include "engine/forensics/explain.h"
#include "engine/numerics/device.h"
#include "engine/telemetry/audit.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/health.h"
#include "engine/telemetry/progress.h"
#include "engine/telemetry/record_writer.h"
#include "engine/telemetry/step_profile.h"
#include "engine/train/loop.h"
#include "engine/train/stop_signal.h"
#include "engine/training_setup.h"
#include "record/profile_text.h"

namespace dtbench {
namespace {

constexpr double kCheckpointSeconds = 300;
// A death that took longer is diagnosed only when somebody asks: its replay takes as long.
constexpr double kDiagnosedSeconds = 60;
constexpr const char* kStopped = "stopped by a signal";

class Cell {
 public:
  // `ranks`: of all the cell's processes, this one the first; null where it is alone.
  Cell(const CellOptions& options, Ranks* ranks)
      : options_(options),
        ranks_(ranks),
        record_(options.run_directory, options.price_per_hour),
        stop_([this] { save_and_exit(); }) {}

  ExitCode run() {
    try {
      return run_unguarded();
    } catch (const LostRank& lost) {
      return lost_rank(lost);
    } catch (const std::exception& error) {
      const Failure failure = failure_of(error);
      fail(failure);
      if (failure.status == Status::kOutOfMemory) {
        log_error(concat("out of memory: ", failure.what));
        return failure.code;
      }
      if (dynamic_cast<const c10::Error*>(&error) != nullptr)
        throw Error(failure.code, failure.what);
      throw;
    }
  }

 private:
  const RunSpec& spec() const { return record_.spec(); }

  ExitCode run_unguarded() {
    if (ranks_ != nullptr) ranks_->from_first(canonical_json(to_json(spec())));
    TrainingSetup setup = set_up_training(spec(), options_, ranks_);
    if (setup.skip) return skip(*setup.skip);

    Json audit = make_audit(*setup.trainer, setup.precision_switches, setup.canary, sources());
    const c10::Device device = setup.trainer->device();
    if (!options_.session.empty())
      audit["session"] = {{"id", options_.session}, {"card", card_uuid(device)}};
    if (ranks_ != nullptr)
      audit["processes"] = require_same_on_all(*ranks_, audit.at("identity"), device);
    record_.audit(audit);
    state_ = record_.resume(*setup.trainer);
    if (ranks_ != nullptr) share_state(*ranks_, *setup.trainer, state_);
    {
      const std::lock_guard hold(consistent_);
      setup_ = std::move(setup);
      trainer_ = std::move(setup_.trainer);
    }
    const LoopEnd loop_end = train();
    return finish(loop_end);
  }

  Json sources() const {
    if (options_.sources.empty()) return Json::object();
    const Json sources = parse_json_or_none(options_.sources).value_or(Json());
    if (sources.is_object()) return sources;
    throw usage_error(concat("--sources must be a JSON object, got '", options_.sources, "'."));
  }

  LoopEnd train() {
    ConditionsSampler conditions(trainer_->device(), spec().train.steps);
    RecordWriter writer(record_.directory(), conditions);
    Progress progress(state_.steps_completed, spec().train.steps);
    last_checkpoint_ = steady_seconds();
    record_.begin_measuring();
    LoopHooks hooks{{&writer, &progress},
                    [this] { return stop_requested(); },
                    consistent_,
                    [this] { checkpoint_if_due(); }};
    std::optional<HealthWatch> health;
    if (options_.health != HealthLevel::kOff) {
      health.emplace(record_.directory(), *trainer_, options_.health);
      hooks.before_step = [&](std::int64_t step) { health->before_step(step); };
      hooks.inspect = [&](const auto& gradients, const auto& nonfinite) {
        health->after_step(gradients, nonfinite);
      };
    }
    return run_training(*trainer_, state_, hooks);
  }

  // By whoever of the cell's processes: all of them stop after the same step.
  bool stop_requested() {
    return ranks_ == nullptr ? stop_.requested() : ranks_->any(stop_.requested());
  }

  ExitCode finish(LoopEnd loop_end) {
    const std::vector<Json> others =
        loop_end == LoopEnd::kStopped ? std::vector<Json>() : peaks_of_others();
    {
      const std::lock_guard hold(consistent_);
      if (loop_end == LoopEnd::kStopped) {
        save();
        end(Status::kInterrupted, kStopped);
        return ExitCode::kInterrupted;
      }
      if (options_.keep_checkpoint) save();
      compare_with_peaks(others);
      end(loop_end == LoopEnd::kCompleted ? Status::kCompleted : Status::kDiverged, "");
      if (!options_.keep_checkpoint) record_.remove_checkpoint();
    }
    if (options_.profile) add_profile();
    if (loop_end == LoopEnd::kNonFinite) diagnose();
    log_info(concat("done: the record is in ", record_.directory().path().string()));
    return ExitCode::kDone;
  }

  // The last that the cell's processes do together; training is done, whoever is lost here.
  std::vector<Json> peaks_of_others() {
    std::vector<Json> others;
    if (ranks_ == nullptr) return others;
    try {
      for (const std::string& text : ranks_->gather("null"))
        others.push_back(parse_json(text));
      others.erase(others.begin());  // this process
    } catch (const LostRank& lost) {
      log_warning(concat("the record has the memory of process 0 alone: ", lost.what()));
    }
    return others;
  }

  // After training, so that no cell's first step waits for it; what it takes is not the cell's.
  void compare_with_peaks(const std::vector<Json>& others) {
    record_.finish_measuring(*trainer_, state_, others);
    peaks_ = find_peaks(trainer_->device(), spec().policy.compute, spec().policy.tf32);
  }

  // The record is complete: whatever goes wrong here, or below, takes nothing from it.
  void add_profile() {
    {
      const std::lock_guard hold(consistent_);
      record_is_complete_ = true;
    }
    try {
      const Json profile = profile_steps(*trainer_, peaks_);
      if (profile.is_null())
        return log_warning("no profile: the rate of this device's products could not be measured");
      record_.directory().write_profile(profile);
      std::cout << profile_text(profile) << std::flush;
    } catch (const std::exception& error) {
      log_warning(concat("the step could not be profiled: ", error.what()));
    }
  }

  void diagnose() {
    const std::string tests = "; 'dtbench explain' tests it by interventions";
    if (state_.wall_seconds > kDiagnosedSeconds) return log_info("cause: not looked for" + tests);
    {
      const std::lock_guard hold(consistent_);
      record_is_complete_ = true;
      trainer_.reset();  // the replay needs its memory
    }
    try {
      const Json found =
          explain({options_.run_directory, options_.store, options_.initial_weights, 0});
      log_info(concat("cause: ", text_or(found.at("cause"), ""), tests));
    } catch (const std::exception& error) {
      log_warning(concat("the cause could not be looked for: ", error.what()));
    }
  }

  void checkpoint_if_due() {
    const bool due = options_.checkpoint_every > 0
                         ? state_.steps_completed % options_.checkpoint_every == 0
                         : steady_seconds() - last_checkpoint_ > kCheckpointSeconds;
    if (due) save();
  }

  // With `consistent_` held.
  void save() {
    record_.save(*trainer_, state_);
    last_checkpoint_ = steady_seconds();
  }

  // From the watcher's thread, when a step takes longer than the grace period. Weights change only
  // with `consistent_` held, so what is saved is the state before the step that is given up.
  void save_and_exit() {
    const std::lock_guard hold(consistent_);
    if (record_is_complete_) _exit(static_cast<int>(ExitCode::kDone));
    if (record_.ended()) return;
    save_and_end(Status::kInterrupted, kStopped);
    tell({Status::kInterrupted, ExitCode::kInterrupted, kStopped});
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }

  // Weights change after the gradients of all processes are there, so those here are whole steps':
  // the cell goes on from them when it is started again.
  ExitCode lost_rank(const LostRank& lost) {
    const std::lock_guard hold(consistent_);
    if (stop_.requested()) {
      if (!record_.ended()) save_and_end(Status::kInterrupted, kStopped);
      return ExitCode::kInterrupted;
    }
    save_and_end(lost.status(), lost.what());
    log_error(lost.what());
    return lost.code();
  }

  // With `consistent_` held.
  void save_and_end(Status status, const std::string& reason) {
    try {
      if (trainer_ != nullptr) save();
      end(status, reason);
    } catch (const std::exception& error) {
      log_error(error.what());
    }
  }

  void tell(const LastWords& words) {
    if (ranks_ != nullptr) ranks_->tell(words);
  }

  ExitCode skip(const std::string& reason) {
    tell({Status::kSkipped, ExitCode::kDone, reason});
    const std::lock_guard hold(consistent_);
    log_info(concat("skipped: ", reason));
    end(Status::kSkipped, reason);
    return ExitCode::kDone;
  }

  // A record that cannot be written does not hide why the run failed.
  void fail(const Failure& failure) {
    tell({failure.status, failure.code, failure.what});
    const std::lock_guard hold(consistent_);
    try {
      end(failure.status, failure.what);
    } catch (const std::exception& error) {
      log_warning(concat("could not record that the run failed: ", error.what()));
    }
  }

  // With `consistent_` held. The watcher leaves a run alone that has ended.
  void end(Status status, const std::string& reason) {
    if (trainer_ == nullptr)
      record_.end(status, reason);
    else
      record_.end(status, reason, *trainer_, state_, peaks_);
  }

  const CellOptions options_;
  Ranks* const ranks_;
  CellRecord record_;
  TrainingState state_;
  double last_checkpoint_ = 0;
  Peaks peaks_;
  std::mutex consistent_;
  bool record_is_complete_ = false;
  // Members, so that they outlive an exception: the result is written from them.
  TrainingSetup setup_;
  std::unique_ptr<Trainer> trainer_;  // there once the cell can be saved
  StopSignal stop_;
};

// Null: a signal came while this process waited for the others.
std::unique_ptr<Ranks> meet_or_stop(const TorchrunRank& launched) {
  const StopSignal stop([] { _exit(static_cast<int>(ExitCode::kInterrupted)); });
  auto ranks = std::make_unique<Ranks>(launched);
  return stop.requested() ? nullptr : std::move(ranks);
}

}  // namespace

ExitCode run_cell(const CellOptions& options) {
  StopSignal::block();
  const std::optional<TorchrunRank> launched = torchrun_rank();
  if (!launched) return Cell(options, nullptr).run();
  if (options.profile)
    throw usage_error("--profile is for a cell of one process.",
                      "Leave it out, or start dtbench without torchrun.");
  const std::unique_ptr<Ranks> ranks = meet_or_stop(*launched);
  if (ranks == nullptr) return ExitCode::kInterrupted;
  try {
    return ranks->rank() == 0 ? Cell(options, ranks.get()).run()
                              : follow_first_rank(options, *ranks);
  } catch (const LostRank&) {
    throw;
  } catch (const std::exception& error) {
    const Failure failure = failure_of(error);
    ranks->tell({failure.status, failure.code, failure.what});
    throw Error(failure.code, failure.what);
  }
}

}  // namespace dtbench
