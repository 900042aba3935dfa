#include "engine/cell.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/cell_record.h"
#include "engine/forensics/explain.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/support.h"
#include "engine/ops/canary.h"
#include "engine/telemetry/audit.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/health.h"
#include "engine/telemetry/progress.h"
#include "engine/telemetry/record_writer.h"
#include "engine/telemetry/step_profile.h"
#include "engine/train/loop.h"
#include "engine/train/stop_signal.h"
#include "record/profile_text.h"

namespace dtbench {
namespace {

constexpr double kCheckpointSeconds = 300;
// A death that took longer is diagnosed only when somebody asks: its replay takes as long.
constexpr double kDiagnosedSeconds = 60;

class Cell {
 public:
  explicit Cell(const CellOptions& options)
      : options_(options),
        record_(options.run_directory, options.price_per_hour),
        stop_([this] { save_and_exit(); }) {}

  ExitCode run() {
    try {
      return run_unguarded();
    } catch (const std::bad_alloc&) {
      return out_of_memory("no memory left on this machine");
    } catch (const c10::OutOfMemoryError& error) {
      return out_of_memory(error.what_without_backtrace());
    } catch (const c10::Error& error) {
      const std::string what = error.what_without_backtrace();
      // For small tensors: torch's own CPU allocator has no exception type for this.
      if (what.find("DefaultCPUAllocator") != std::string::npos) return out_of_memory(what);
      fail(what);
      throw Error(ExitCode::kPermanent, what);
    } catch (const std::exception& error) {
      fail(error.what());
      throw;
    }
  }

 private:
  const RunSpec& spec() const { return record_.spec(); }

  ExitCode run_unguarded() {
    // Before anything of CUDA is loaded: its libraries read their part from the environment.
    const Json switches = set_float32_precision(spec().policy.tf32);
    const DeviceChoice choice = choose_device(spec().device);
    if (choice.unavailable) return skip(*choice.unavailable);
    if (const auto reason = unsupported(spec(), choice.device)) return skip(*reason);

    const std::vector<CanaryCheck> canary = run_canary(choice.device);
    require_precision(canary, spec().policy.tf32);

    store_.emplace(options_.store);
    auto trainer =
        std::make_unique<Trainer>(spec(), *store_, choice.device, options_.initial_weights);
    Json audit = make_audit(*trainer, switches, canary, sources());
    if (!options_.session.empty())
      audit["session"] = {{"id", options_.session}, {"card", card_uuid(choice.device)}};
    record_.audit(audit);
    state_ = record_.resume(*trainer);
    {
      const std::lock_guard hold(consistent_);
      trainer_ = std::move(trainer);
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
    LoopHooks hooks{{&writer, &progress}, stop_, consistent_, [this] { checkpoint_if_due(); }};
    std::optional<HealthWatch> health;
    if (options_.health != HealthLevel::kOff) {
      health.emplace(record_.directory(), *trainer_, options_.health);
      hooks.inspect = [&](const auto& gradients, const auto& nonfinite) {
        health->look(gradients, nonfinite);
      };
    }
    return run_training(*trainer_, state_, hooks);
  }

  ExitCode finish(LoopEnd loop_end) {
    {
      const std::lock_guard hold(consistent_);
      if (loop_end == LoopEnd::kStopped) {
        save();
        end(Status::kInterrupted, "stopped by a signal");
        return ExitCode::kInterrupted;
      }
      if (options_.keep_checkpoint) save();
      compare_with_peaks();
      end(loop_end == LoopEnd::kCompleted ? Status::kCompleted : Status::kDiverged, "");
      if (!options_.keep_checkpoint) record_.remove_checkpoint();
    }
    if (options_.profile) add_profile();
    if (loop_end == LoopEnd::kNonFinite) diagnose();
    log_info(concat("done: the record is in ", record_.directory().path().string()));
    return ExitCode::kDone;
  }

  // After training, so that no cell's first step waits for it; what it takes is not the cell's.
  void compare_with_peaks() {
    record_.finish_measuring(*trainer_, state_);
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
    const std::string proves = "; 'dtbench explain' proves it by interventions";
    if (state_.wall_seconds > kDiagnosedSeconds) return log_info("cause: not looked for" + proves);
    {
      const std::lock_guard hold(consistent_);
      record_is_complete_ = true;
      trainer_.reset();  // the replay needs its memory
    }
    try {
      const Json found =
          explain({options_.run_directory, options_.store, options_.initial_weights, 0});
      log_info(concat("cause: ", text_or(found.at("cause"), ""), proves));
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
    try {
      if (trainer_ != nullptr) save();
      end(Status::kInterrupted, "stopped by a signal");
    } catch (const std::exception& error) {
      log_error(error.what());
    }
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }

  ExitCode skip(const std::string& reason) {
    const std::lock_guard hold(consistent_);
    log_info(concat("skipped: ", reason));
    end(Status::kSkipped, reason);
    return ExitCode::kDone;
  }

  ExitCode out_of_memory(const std::string& what) {
    const std::lock_guard hold(consistent_);
    log_error(concat("out of memory: ", what));
    end(Status::kOutOfMemory, what);
    return ExitCode::kPermanent;
  }

  // A record that cannot be written does not hide why the run failed.
  void fail(const std::string& what) {
    const std::lock_guard hold(consistent_);
    try {
      end(Status::kFailed, what);
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
  CellRecord record_;
  TrainingState state_;
  double last_checkpoint_ = 0;
  Peaks peaks_;
  std::mutex consistent_;
  bool record_is_complete_ = false;
  // Members, so that they outlive an exception: the result is written from them.
  std::optional<TokenStore> store_;
  std::unique_ptr<Trainer> trainer_;  // there once the cell can be saved
  StopSignal stop_;
};

}  // namespace

ExitCode run_cell(const CellOptions& options) {
  StopSignal::block();
  return Cell(options).run();
}

}  // namespace dtbench
