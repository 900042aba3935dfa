#include "cli/demo_cells.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "cli/run_summary.h"
#include "cli/table.h"
#include "config/config_files.h"
#include "config/study_policies.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// What a record that could not be used says of the cell is not this cell's.
Json without_results(Json row, const std::string& reason) {
  for (const char* result :
       {"steps_completed", "outcome", "val_loss", "wall_s", "first_nonfinite", "f1_micro",
        "average_precision_micro", "samples_per_s", "mfu", "peak_memory_bytes"})
    row[result] = nullptr;
  row["status"] = "failed";
  row["reason"] = reason;
  return row;
}

}  // namespace

std::string DemoCell::name() const {
  return spec.scenario + " " + spec.policy.name;
}

std::vector<DemoCell> demo_cells(ResolveRequest request, std::vector<std::string> scenarios,
                                 std::vector<std::string> policies, const fs::path& out) {
  if (scenarios.empty()) scenarios = config_names(request.configs, ConfigKind::kScenario);
  if (policies.empty()) policies.assign(kStudyPolicies.begin(), kStudyPolicies.end());
  std::vector<DemoCell> cells;
  std::set<std::string> ids;
  for (const std::string& scenario : scenarios) {
    for (const std::string& policy : policies) {
      request.scenario = scenario;
      request.policy = policy;
      const RunSpec spec = resolve(request);
      if (const std::string id = cell_id(spec); ids.insert(id).second)
        cells.emplace_back(spec, out / id);
    }
  }
  return cells;
}

Json demo_row(const DemoCell& cell) {
  const RunRecord record = read_run(cell.run);
  const auto result = [&](const char* pointer) { return member_or_null(record.result, pointer); };
  Json row = summary_of(record);
  row["cell_id"] = cell_id(cell.spec);
  row["scenario"] = cell.spec.scenario;
  row["policy"] = cell.spec.policy.name;
  row["preset"] = cell.spec.preset;
  row["seed"] = cell.spec.seed;
  row["steps"] = cell.spec.train.steps;
  row["model"] = to_string(cell.spec.model.architecture);
  row["objective"] = to_string(cell.spec.objective);
  row["synthetic"] = cell.spec.data.source == "synthetic";
  row["first_nonfinite"] = result("/first_nonfinite");
  row["f1_micro"] = result("/convergence/f1_micro");
  row["average_precision_micro"] = result("/convergence/average_precision_micro");
  if (row.at("status") != "completed")  // it was validated before, not at its end
    for (const char* score : {"f1_micro", "average_precision_micro"})
      row[score] = nullptr;
  row["samples_per_s"] = result("/throughput/samples_per_s");
  row["mfu"] = result("/mfu/vs_measured");
  row["disturbances"] = result("/disturbances");
  row["peak_memory_bytes"] = result("/memory/peak_allocated_bytes");
  if (record.spec.is_null() && record.result.is_null()) row["status"] = "not run";
  const Json& status = row.at("status");
  if (!cell.failure.empty() && status != "failed" && status != "out_of_memory")
    return without_results(row, cell.failure);
  if (!cell.failure.empty()) row["reason"] = cell.failure;
  return row;
}

}  // namespace dtbench
