#include "record/run_summary.h"

#include <filesystem>

#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "record/status.h"

namespace dtbench {
namespace {

Json standing_of(const RunRecord& run) {
  if (is_running(run.path)) return "running";
  if (run.damage) return "damaged";
  if (!run.result.is_null()) return member_or_null(run.result, "/status");
  return to_string(Status::kInterrupted);
}

// The result says how many; before there is one, each line of steps.jsonl is a step.
Json steps_completed(const RunRecord& run) {
  if (!run.result.is_null()) return member_or_null(run.result, "/steps_completed");
  return read_lines(run.path / "steps.jsonl").size();
}

// Of the trained model: a run that did not complete was validated before its end, perhaps only
// before its first step.
Json val_loss(const RunRecord& run) {
  return status_of(run) == Status::kCompleted ? member_or_null(run.result, "/convergence/val_loss")
                                              : Json();
}

}  // namespace

std::vector<RunRecord> runs_in(const std::string& folder, const std::string& hint,
                               RecordFiles files) {
  if (!std::filesystem::is_directory(folder))
    throw usage_error(concat("There is no folder '", folder, "'."), hint);
  return read_runs(folder, files);
}

Json summary_of(const RunRecord& run) {
  return {{"cell_id", run.path.filename().string()},
          {"path", run.path.string()},
          {"scenario", member_or_null(run.spec, "/scenario")},
          {"policy", member_or_null(run.spec, "/policy/name")},
          {"preset", member_or_null(run.spec, "/preset")},
          {"seed", member_or_null(run.spec, "/seed")},
          {"steps", member_or_null(run.spec, "/train/steps")},
          {"steps_completed", steps_completed(run)},
          {"status", standing_of(run)},
          {"reason", member_or_null(run.result, "/reason")},
          {"outcome", member_or_null(run.result, "/outcome")},
          {"val_loss", val_loss(run)},
          {"wall_s", member_or_null(run.result, "/wall_s")},
          {"damage", run.damage ? Json(*run.damage) : Json()}};
}

std::string one_line(const Json& summary) {
  std::string line = readable(summary.at("status"));
  if (!summary.at("outcome").is_null()) line += ", " + readable(summary.at("outcome"));
  line += concat(": ", readable(summary.at("steps_completed")), " of ",
                 readable(summary.at("steps")), " steps");
  if (!summary.at("val_loss").is_null())
    line += ", validation loss " + readable(summary.at("val_loss"));
  if (summary.at("wall_s").is_number())
    line += ", " + human_seconds(summary.at("wall_s").get<double>());
  const std::string reason = readable(summary.at("reason"));
  if (reason != "-" && !reason.empty()) line += concat(" (", reason, ")");
  return line;
}

}  // namespace dtbench
