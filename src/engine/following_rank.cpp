#include "engine/following_rank.h"

#include <unistd.h>

#include <mutex>

#include "base/log.h"
#include "base/text.h"
#include "engine/telemetry/audit.h"
#include "engine/telemetry/peak_memory.h"
#include "engine/train/loop.h"
#include "engine/train/stop_signal.h"
#include "engine/training_setup.h"

namespace dtbench {
namespace {

class Follower {
 public:
  Follower(const CellOptions& options, Ranks& ranks)
      : options_(options), ranks_(ranks), stop_([this] { give_up(); }) {}

  ExitCode run() {
    try {
      return train();
    } catch (const LostRank& lost) {
      if (stop_.requested()) return ExitCode::kInterrupted;
      if (lost.code() != ExitCode::kDone) throw;
      log_info(lost.what());
      return ExitCode::kDone;
    }
  }

 private:
  ExitCode train() {
    const RunSpec spec = run_spec_from_json(parse_json(ranks_.from_first("")), "process 0's spec");
    const TrainingSetup setup = set_up_training(spec, options_, &ranks_);
    if (setup.skip) {
      ranks_.tell({Status::kSkipped, ExitCode::kDone, *setup.skip});
      return ExitCode::kDone;
    }
    Trainer& trainer = *setup.trainer;
    const Json audit = make_audit(trainer, setup.precision_switches, setup.canary, Json::object());
    require_same_on_all(ranks_, audit.at("identity"), trainer.device());
    TrainingState state;
    share_state(ranks_, trainer, state);
    std::mutex alone;
    const LoopHooks hooks{{}, [this] { return ranks_.any(stop_.requested()); }, alone, [] {}};
    if (run_training(trainer, state, hooks) == LoopEnd::kStopped) return ExitCode::kInterrupted;
    ranks_.gather(peak_memory(memory_, trainer.device()).dump());
    return ExitCode::kDone;
  }

  // From the watcher's thread: a step takes longer than the grace period.
  void give_up() {
    ranks_.tell({Status::kInterrupted, ExitCode::kInterrupted, "stopped by a signal"});
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }

  const CellOptions& options_;
  Ranks& ranks_;
  const CpuPeakMemory memory_;
  StopSignal stop_;
};

}  // namespace

ExitCode follow_first_rank(const CellOptions& options, Ranks& ranks) {
  return Follower(options, ranks).run();
}

}  // namespace dtbench
