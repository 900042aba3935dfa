#include "fuzz/harness.h"
#include "record/cause.h"
#include "record/run_directory.h"
#include "record/run_summary.h"
#include "record/status.h"
#include "record/step_columns.h"
#include "sweep/last_step.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

void use(const RunRecord& run) {
  read_result(run.result);
  cause_of(run);
  one_line(summary_of(run));
}

}  // namespace

// result.json, spec.json, audit.json, study.json and explain.json of a run.
void fuzz_result(std::string_view bytes) {
  const auto parts = parts_of(bytes, 5);
  scratch_file("result", "result.json", parts[0]);
  scratch_file("result", "spec.json", parts[1]);
  scratch_file("result", "audit.json", parts[2]);
  scratch_file("result", "study.json", parts[3]);
  scratch_file("result", "explain.json", parts[4]);
  use(read_run(scratch_folder("result")));
}

void fuzz_steps(std::string_view bytes) {
  const auto steps = scratch_file("steps", "steps.jsonl", bytes);
  read_lines(steps);
  damaged_line(steps);
  last_step(steps.parent_path());
  const StepColumns columns = read_step_columns(steps);
  require(columns.loss.size() == columns.skipped.size(), "columns are of one length");
}

// Of the only run in a folder.
void fuzz_events(std::string_view bytes) {
  scratch_file("events/run", "events.jsonl", bytes);
  const std::vector<RunRecord> runs = read_runs(scratch_folder("events"));
  require(runs.size() == 1, "a folder with events is a run");
  use(runs.front());
}

// A file of a matrix's account of device time.
void fuzz_ledger(std::string_view bytes) {
  scratch_file("ledger", "account.jsonl", bytes);
  device_seconds(Ledger(scratch_folder("ledger")).by_cell());
}

}  // namespace dtbench
