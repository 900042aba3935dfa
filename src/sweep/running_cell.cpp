#include "sweep/running_cell.h"

#include <csignal>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "record/run_directory.h"
#include "record/status.h"

namespace dtbench {
namespace {

constexpr double kSecondsToSave = 5;  // after its time limit

EngineOptions engine_options(const RunningCell::Means& means) {
  EngineOptions options;
  options.session = means.session;
  options.profile = means.profile;
  options.health = means.health;
  if (means.price_per_hour) options.price_per_hour = *means.price_per_hour * means.slot.share;
  return options;
}

}  // namespace

RunningCell::RunningCell(const PreparedCell& cell, const Means& means, Lease& lease, Ledger& ledger,
                         const Limits& limits)
    : name_(account_name(cell.run)),
      run_(cell.run),
      share_(means.slot.share),
      limits_(limits),
      lease_(lease),
      ledger_(ledger),
      attempt_(ledger.open_attempt()),
      started_(steady_seconds()),
      engine_(engine_command(cell, engine_options(means)), means.slot.environment),
      last_beat_(started_) {}

void RunningCell::tick() {
  if (steady_seconds() - last_beat_ >= limits_.beat_s) {
    last_beat_ = steady_seconds();
    account();
    if (!lease_.beat()) {
      lease_lost_ = true;
      stop();
    }
  }
  watch_time();
}

void RunningCell::watch_time() {
  if (limits_.timeout_s && !timed_out_ && wall_s() > *limits_.timeout_s && !stopped_) {
    timed_out_ = true;
    kill_at_ = steady_seconds() + kSecondsToSave;
    stop();
  }
  if (kill_at_ && steady_seconds() > *kill_at_) engine_.signal(SIGKILL);
}

// Once: a second SIGTERM would end the engine without a checkpoint.
void RunningCell::stop() {
  if (!stopped_) engine_.signal(SIGTERM);
  stopped_ = true;
}

double RunningCell::wall_s() const {
  return steady_seconds() - started_;
}

void RunningCell::account() {
  const double wall = wall_s();
  ledger_.put(attempt_, name_, {wall, wall * share_});
  accounted_s_ = wall * share_;
}

std::string RunningCell::conclude() {
  account();
  if (timed_out_)
    return concat("it exceeded its limit of ", human_seconds(*limits_.timeout_s),
                  " and was stopped (", engine_.end(), ")");
  if (engine_.exit_code() == 0) {
    const RunRecord record = read_run(run_);
    if (is_whole(record)) return "";
    if (record.damage) {
      unreadable_ = true;
      return concat("its record cannot be read: ", *record.damage);
    }
  }
  const std::string said = engine_.error();
  return concat("the engine: ", engine_.end(), said.empty() ? "" : "; ", said);
}

ExitCode RunningCell::exit_code() const {
  const bool may_pass =
      unreadable_ || engine_.exit_code() == static_cast<int>(ExitCode::kRetryable);
  return may_pass ? ExitCode::kRetryable : ExitCode::kPermanent;
}

}  // namespace dtbench
