#include "engine/cell.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process_memory.h"
#include "base/text.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/support.h"
#include "engine/ops/canary.h"
#include "engine/telemetry/audit.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/disturbances.h"
#include "engine/telemetry/peak_memory.h"
#include "engine/telemetry/peaks.h"
#include "engine/telemetry/progress.h"
#include "engine/telemetry/record_writer.h"
#include "engine/telemetry/result.h"
#include "engine/train/checkpoint.h"
#include "engine/train/loop.h"
#include "engine/train/stop_signal.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

constexpr double kCheckpointSeconds = 300;

class Cell {
 public:
  explicit Cell(const CellOptions& options)
      : options_(options),
        directory_(options.run_directory),
        spec_(run_spec_from_json(read_json_file(options.run_directory / "spec.json"),
                                 (options.run_directory / "spec.json").string())),
        stop_([this] { save_and_exit(); }) {}

  ExitCode run() {
    directory_.append_event({{"event", "started"}, {"process", getpid()}});
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
  ExitCode run_unguarded() {
    // Before anything of CUDA is loaded: its libraries read their part from the environment.
    const Json switches = set_float32_precision(spec_.policy.tf32);
    const DeviceChoice choice = choose_device(spec_.device);
    if (choice.unavailable) return skip(*choice.unavailable);
    if (const auto reason = unsupported(spec_, choice.device)) return skip(*reason);

    const std::vector<CanaryCheck> canary = run_canary(choice.device);
    require_precision(canary, spec_.policy.tf32);

    store_.emplace(options_.store);
    auto trainer =
        std::make_unique<Trainer>(spec_, *store_, choice.device, options_.initial_weights);
    audit(make_audit(*trainer, switches, canary, sources()));
    resume(*trainer);
    directory_.remove_result();
    {
      const std::lock_guard hold(consistent_);
      trainer_ = std::move(trainer);
    }
    const LoopEnd loop_end = train();
    const std::lock_guard hold(consistent_);
    return finish(loop_end);
  }

  Json sources() const {
    if (options_.sources.empty()) return Json::object();
    const Json sources = parse_json_or_none(options_.sources).value_or(Json());
    if (sources.is_object()) return sources;
    throw usage_error(concat("--sources must be a JSON object, got '", options_.sources, "'."));
  }

  // A new cell writes its audit; a resumed one must match the one it has.
  void audit(const Json& present) {
    const auto file = directory_.path() / "audit.json";
    if (std::filesystem::exists(checkpoint_file(directory_.checkpoint()))) {
      require_same_identity(read_json_file(file), present);
    } else {
      directory_.write_audit(present);
    }
  }

  void resume(Trainer& trainer) {
    if (!std::filesystem::exists(checkpoint_file(directory_.checkpoint()))) {
      if (directory_.steps_size() > 0) {
        directory_.append_event({{"event", "restarted"}, {"reason", "no checkpoint was saved"}});
        directory_.truncate_steps(0);
      }
      return;
    }
    const ResumePoint point = load_checkpoint(directory_.checkpoint(), trainer);
    directory_.append_event({{"event", "resumed"},
                             {"step", point.state.steps_completed},
                             {"steps_truncated_from", directory_.steps_size()},
                             {"steps_truncated_to", point.steps_size}});
    directory_.truncate_steps(point.steps_size);
    state_ = point.state;
    wall_before_ = point.state.wall_seconds;
    log_info(concat("resuming at step ", state_.steps_completed, " of ", spec_.train.steps));
  }

  LoopEnd train() {
    ConditionsSampler conditions(trainer_->device(), spec_.train.steps);
    RecordWriter writer(directory_, conditions);
    Progress progress(state_.steps_completed, spec_.train.steps);
    last_checkpoint_ = steady_seconds();
    resident_before_ = resident_bytes();
    const LoopHooks hooks{
        {&writer, &progress}, stop_, consistent_, [this] { checkpoint_if_due(); }};
    return run_training(*trainer_, state_, hooks);
  }

  ExitCode finish(LoopEnd loop_end) {
    switch (loop_end) {
      case LoopEnd::kStopped:
        save();
        end("interrupted", "stopped by a signal");
        return ExitCode::kInterrupted;
      case LoopEnd::kNonFinite:
        if (options_.keep_checkpoint) save();
        compare_with_peaks();
        end("diverged", "");
        break;
      case LoopEnd::kCompleted:
        if (options_.keep_checkpoint) save();
        compare_with_peaks();
        end("completed", "");
        break;
    }
    log_info(concat("done: the record is in ", directory_.path().string()));
    if (!options_.keep_checkpoint) std::filesystem::remove_all(directory_.checkpoint());
    return ExitCode::kDone;
  }

  // After training, so that no cell's first step waits for it; what it takes is not the cell's.
  void compare_with_peaks() {
    finish_measuring();
    peaks_ = find_peaks(trainer_->device(), spec_.policy.compute, spec_.policy.tf32);
  }

  // Time and memory of the run so far become those of the result.
  void finish_measuring() {
    if (!memory_.is_null()) return;
    state_.wall_seconds = wall_seconds();
    state_.peak_memory = peaks_so_far();
    memory_ = state_.peak_memory;
    memory_["resident_before_first_step_bytes"] = resident_before_;
  }

  void checkpoint_if_due() {
    const bool due = options_.checkpoint_every > 0
                         ? state_.steps_completed % options_.checkpoint_every == 0
                         : steady_seconds() - last_checkpoint_ > kCheckpointSeconds;
    if (due) save();
  }

  // With `consistent_` held.
  void save() {
    state_.wall_seconds = wall_seconds();
    state_.peak_memory = peaks_so_far();
    save_checkpoint(directory_.checkpoint(), *trainer_, state_, directory_.steps_size());
    directory_.append_event({{"event", "checkpoint"}, {"step", state_.steps_completed}});
    last_checkpoint_ = steady_seconds();
  }

  // From the watcher's thread, when a step takes longer than the grace period. Weights change only
  // with `consistent_` held, so what is saved is the state before the step that is given up.
  void save_and_exit() {
    const std::lock_guard hold(consistent_);
    if (ended_) return;
    try {
      if (trainer_ != nullptr) save();
      end("interrupted", "stopped by a signal");
    } catch (const std::exception& error) {
      log_error(error.what());
    }
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }

  ExitCode skip(const std::string& reason) {
    const std::lock_guard hold(consistent_);
    log_info(concat("skipped: ", reason));
    end("skipped", reason);
    return ExitCode::kDone;
  }

  ExitCode out_of_memory(const std::string& what) {
    const std::lock_guard hold(consistent_);
    log_error(concat("out of memory: ", what));
    end("out_of_memory", what);
    return ExitCode::kPermanent;
  }

  // A record that cannot be written does not hide why the run failed.
  void fail(const std::string& what) {
    const std::lock_guard hold(consistent_);
    try {
      end("failed", what);
    } catch (const std::exception& error) {
      log_warning(concat("could not record that the run failed: ", error.what()));
    }
  }

  // With `consistent_` held. The watcher leaves a run alone that has ended.
  void end(const std::string& status, const std::string& reason) {
    ended_ = true;
    const RunEnd run_end{status, reason, started_at_, options_.price_per_hour};
    directory_.append_event({{"event", "ended"}, {"status", status}, {"reason", reason}});
    if (trainer_ == nullptr) {
      if (!trained_before()) directory_.write_result(bare_result(spec_, run_end));
      return;
    }
    finish_measuring();
    const Json result = full_result(*trainer_, state_, run_end,
                                    read_lines(directory_.path() / "steps.jsonl"), memory_, peaks_);
    directory_.write_result(result);
    const std::string disturbed = in_one_line(result.at("disturbances"));
    if (!disturbed.empty()) log_warning(disturbed);
  }

  // An attempt that never came to train does not replace the result of one that did.
  bool trained_before() const {
    const auto file = directory_.path() / "result.json";
    return std::filesystem::exists(file) && read_json_file(file).contains("convergence");
  }

  double wall_seconds() const { return wall_before_ + steady_seconds() - started_; }

  Json peaks_so_far() const {
    return larger_peaks(state_.peak_memory, peak_memory(peak_memory_, trainer_->device()));
  }

  const CellOptions options_;
  const std::string started_at_ = utc_now();
  const double started_ = steady_seconds();
  RunDirectory directory_;
  const RunSpec spec_;
  CpuPeakMemory peak_memory_;
  TrainingState state_;
  double wall_before_ = 0;
  double last_checkpoint_ = 0;
  std::int64_t resident_before_ = 0;
  Json memory_;  // null until measuring ends
  Peaks peaks_;
  std::mutex consistent_;
  bool ended_ = false;
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
