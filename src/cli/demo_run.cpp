#include "cli/demo_run.h"

#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/demo_view.h"
#include "cli/table.h"
#include "sweep/engine_process.h"
#include "sweep/prepared_cell.h"
#include "sweep/signals.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr double kTick = 0.1;  // seconds

class DemoRun {
 public:
  DemoRun(std::vector<DemoCell>& cells, fs::path out, fs::path configs)
      : cells_(cells), out_(std::move(out)), configs_(std::move(configs)), progress_{cells} {}

  ExitCode run() {
    for (DemoCell& cell : cells_)
      if (fs::exists(cell.run / "result.json")) pass_over_if_finished(cell);
    const bool nothing_to_do = progress_.ended() == cells_.size();
    if (!nothing_to_do) train_all();
    if (progress_.stopping) return ExitCode::kInterrupted;
    const bool failed = std::any_of(cells_.begin(), cells_.end(),
                                    [](const DemoCell& cell) { return !cell.failure.empty(); });
    return failed ? ExitCode::kPermanent : ExitCode::kDone;
  }

 private:
  void train_all() {
    view_ = make_demo_view();
    view_->tick(progress_);
    for (DemoCell& cell : cells_) {
      handle(signals_.next(0));
      if (progress_.stopping) break;
      if (!cell.ended) train(cell);
    }
    view_.reset();
  }

  // What is wrong with a record (other data, damage) fails its cell.
  void pass_over_if_finished(DemoCell& cell) {
    try {
      if (prepare_cell(cell.spec, out_, configs_, OldRecord::kGoOn).finished) end(cell, "");
    } catch (const Error& error) {
      end(cell, error.what());
    }
  }

  void train(DemoCell& cell) {
    progress_.running = &cell;
    progress_.step.reset();
    started_ = steady_seconds();
    estimate();
    view_->tick(progress_);
    try {
      const PreparedCell prepared = prepare_cell(cell.spec, out_, configs_, OldRecord::kGoOn);
      if (prepared.finished)
        end(cell, "");  // by another process, meanwhile
      else
        train_prepared(cell, prepared);
    } catch (const Error& error) {
      end(cell, error.what());
    }
    if (cell.ended) {
      train_s_ += steady_seconds() - started_;
      ++trained_;
      estimate();
      view_->cell_ended(progress_);
    }
    progress_.running = nullptr;
  }

  void train_prepared(DemoCell& cell, const PreparedCell& prepared) {
    EngineProcess engine(engine_command(prepared, {}));
    engine_ = &engine;
    while (!engine.ended()) {
      handle(signals_.next(kTick));
      progress_.step = last_step(cell.run);
      estimate();
      view_->tick(progress_);
    }
    engine_ = nullptr;
    judge(cell, engine);
  }

  void judge(DemoCell& cell, const EngineProcess& engine) {
    if (progress_.stopping && engine.exit_code() != 0) return;  // it goes on another time
    const Json status = demo_row(cell).at("status");
    const bool whole = status == "completed" || status == "diverged" || status == "skipped";
    if (engine.exit_code() == 0 && whole) return end(cell, "");
    const std::string said = engine.error();
    end(cell, concat("the engine: ", engine.end(), said.empty() ? "" : "; ", said));
  }

  void end(DemoCell& cell, const std::string& failure) {
    cell.failure = failure;
    cell.row = demo_row(cell);
    cell.ended = true;
  }

  void handle(int signal) {
    switch (signal) {
      case SIGINT:
      case SIGTERM:
      case SIGHUP:
        progress_.stopping = true;
        if (engine_ != nullptr) engine_->signal(SIGTERM);
        return;
      case SIGTSTP:
        view_->leave();
        if (engine_ != nullptr) engine_->signal(SIGSTOP);
        kill(getpid(), SIGSTOP);
        if (engine_ != nullptr) engine_->signal(SIGCONT);
        view_->enter();
        return;
      default:  // SIGCHLD: only a reason to look; 0: none came
        return;
    }
  }

  // By the mean of the cells that this process trained.
  void estimate() {
    if (trained_ == 0) return;
    const auto left = static_cast<double>(cells_.size() - progress_.ended());
    const double running =
        progress_.running != nullptr && !progress_.running->ended ? steady_seconds() - started_ : 0;
    progress_.left_s = std::max(0.0, left * train_s_ / trained_ - running);
  }

  std::vector<DemoCell>& cells_;
  const fs::path out_, configs_;
  const SignalQueue signals_{SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCHLD};
  std::unique_ptr<DemoView> view_;
  DemoProgress progress_;
  EngineProcess* engine_ = nullptr;
  double started_ = 0, train_s_ = 0;
  int trained_ = 0;
};

}  // namespace

ExitCode run_demo(std::vector<DemoCell>& cells, const fs::path& out, const fs::path& configs) {
  return DemoRun(cells, out, configs).run();
}

}  // namespace dtbench
