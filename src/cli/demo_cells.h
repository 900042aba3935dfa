// The cells of a demonstration: every scenario under every policy, and what their records say.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "config/resolve.h"
#include "sweep/last_step.h"

namespace dtbench {

struct DemoCell {
  DemoCell(RunSpec what, std::filesystem::path where)
      : spec(std::move(what)), run(std::move(where)) {}

  RunSpec spec;
  std::filesystem::path run;  // its run directory
  bool ended = false;         // there is nothing more to do for it
  std::string failure;        // why it could not be trained, "" otherwise
  Json row;                   // once it ended: demo_row

  std::string name() const;  // "A fp32_true"
};

// Scenario by scenario; `request` holds what the cells have in common. Empty lists mean the six
// scenarios and the specification's six policies. Throws Error as resolve does.
std::vector<DemoCell> demo_cells(ResolveRequest request, std::vector<std::string> scenarios,
                                 std::vector<std::string> policies,
                                 const std::filesystem::path& out);

// summary_of, and {"model", "objective", "synthetic", "first_nonfinite", "f1_micro",
// "average_precision_micro", "samples_per_s", "mfu", "peak_memory_bytes"}; `mfu` over the measured
// peak. Scores are a completed cell's only: others were validated before, not at their end. Without
// a record the status is "not run"; after a failure it is the record's, or "failed".
Json demo_row(const DemoCell& cell);

}  // namespace dtbench
