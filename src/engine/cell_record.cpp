#include "engine/cell_record.h"

#include <unistd.h>

#include "base/log.h"
#include "base/process_memory.h"
#include "base/text.h"
#include "engine/telemetry/audit.h"
#include "engine/telemetry/disturbances.h"
#include "engine/telemetry/result.h"
#include "engine/train/checkpoint.h"

namespace dtbench {

CellRecord::CellRecord(const std::filesystem::path& run_directory,
                       std::optional<double> price_per_hour)
    : price_per_hour_(price_per_hour),
      directory_(run_directory),
      spec_(run_spec_from_json(read_json_file(run_directory / "spec.json"),
                               (run_directory / "spec.json").string())) {
  directory_.append_event({{"event", "started"}, {"process", getpid()}});
}

bool CellRecord::has_checkpoint() const {
  return std::filesystem::exists(checkpoint_file(directory_.checkpoint()));
}

void CellRecord::audit(const Json& present) {
  if (has_checkpoint())
    require_same_identity(read_json_file(directory_.path() / "audit.json"), present);
  else
    directory_.write_audit(present);
}

TrainingState CellRecord::resume(Trainer& trainer) {
  directory_.remove_result();
  if (!has_checkpoint()) {
    if (directory_.steps_size() > 0) {
      directory_.append_event({{"event", "restarted"}, {"reason", "no checkpoint was saved"}});
      directory_.truncate_steps(0);
    }
    directory_.drop_health_from(0);
    return {};
  }
  const ResumePoint point = load_checkpoint(directory_.checkpoint(), trainer);
  directory_.append_event({{"event", "resumed"},
                           {"step", point.state.steps_completed},
                           {"steps_truncated_from", directory_.steps_size()},
                           {"steps_truncated_to", point.steps_size}});
  directory_.truncate_steps(point.steps_size);
  directory_.drop_health_from(point.state.steps_completed);
  wall_before_ = point.state.wall_seconds;
  log_info(concat("resuming at step ", point.state.steps_completed, " of ", spec_.train.steps));
  return point.state;
}

void CellRecord::save(const Trainer& trainer, TrainingState& state) {
  state.wall_seconds = wall_seconds();
  state.peak_memory = peaks_so_far(trainer, state);
  save_checkpoint(directory_.checkpoint(), trainer, state, directory_.steps_size());
  directory_.append_event({{"event", "checkpoint"}, {"step", state.steps_completed}});
}

void CellRecord::remove_checkpoint() {
  // The result is there: what is left over takes nothing from it.
  std::error_code error;
  std::filesystem::remove_all(directory_.checkpoint(), error);
  if (error)
    log_warning(
        concat("cannot remove '", directory_.checkpoint().string(), "': ", error.message()));
}

void CellRecord::begin_measuring() {
  resident_before_ = resident_bytes();
}

void CellRecord::finish_measuring(const Trainer& trainer, TrainingState& state,
                                  const std::vector<Json>& others) {
  if (!memory_.is_null()) return;
  state.wall_seconds = wall_seconds();
  state.peak_memory = peaks_so_far(trainer, state);
  memory_ = state.peak_memory;
  for (const Json& other : others)
    memory_ = larger_peaks(memory_, other);
  if (!others.empty()) {
    memory_["processes"] = others;
    memory_["processes"].insert(memory_["processes"].begin(), state.peak_memory);
  }
  memory_["resident_before_first_step_bytes"] = resident_before_;
}

void CellRecord::record_end(Status status, const std::string& reason) {
  ended_ = true;
  directory_.append_event({{"event", "ended"}, {"status", to_string(status)}, {"reason", reason}});
}

void CellRecord::end(Status status, const std::string& reason) {
  record_end(status, reason);
  const auto file = directory_.path() / "result.json";
  const bool trained_before =
      std::filesystem::exists(file) && read_json_file(file).contains("convergence");
  if (!trained_before)
    directory_.write_result(bare_result(spec_, {status, reason, started_at_, price_per_hour_}));
}

void CellRecord::end(Status status, const std::string& reason, const Trainer& trainer,
                     TrainingState& state, const Peaks& peaks) {
  record_end(status, reason);
  finish_measuring(trainer, state);
  const Json result = full_result(trainer, state, {status, reason, started_at_, price_per_hour_},
                                  read_lines(directory_.path() / "steps.jsonl"), memory_, peaks);
  directory_.write_result(result);
  const std::string disturbed = in_one_line(result.at("disturbances"));
  if (!disturbed.empty()) log_warning(disturbed);
}

Json CellRecord::peaks_so_far(const Trainer& trainer, const TrainingState& state) const {
  return larger_peaks(state.peak_memory, peak_memory(peak_memory_, trainer.device()));
}

}  // namespace dtbench
