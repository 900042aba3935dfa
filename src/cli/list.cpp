#include <iostream>
#include <memory>

#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/commands.h"
#include "record/run_summary.h"

namespace dtbench {
namespace {

struct ListOptions {
  std::string out;
  bool json = false;
};

std::vector<std::string> row_of(const Json& summary) {
  const auto cell = [&](const char* name) { return readable(summary.at(name)); };
  const Json& wall = summary.at("wall_s");
  return {cell("cell_id"),  cell("scenario"),
          cell("policy"),   cell("preset"),
          cell("seed"),     cell("steps_completed") + "/" + cell("steps"),
          cell("status"),   cell("outcome"),
          cell("val_loss"), wall.is_number() ? human_seconds(wall.get<double>()) : "-"};
}

// Without a first run there is no folder 'runs'; one that was named must be there.
std::vector<RunRecord> records_in(const std::string& out) {
  if (out.empty()) return read_runs("runs", RecordFiles::kSpecAndResult);
  return runs_in(out, "Name the root folder of records: dtbench list --out DIR.",
                 RecordFiles::kSpecAndResult);
}

void list_runs(const ListOptions& options) {
  Json summaries = Json::array();
  for (const RunRecord& run : records_in(options.out))
    summaries.push_back(summary_of(run));
  if (options.json) {
    std::cout << json_text(summaries, 1) << '\n';
    return;
  }
  if (summaries.empty()) {
    log_info(concat("no runs in '", options.out.empty() ? "runs" : options.out, "'"));
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"cell", "scenario", "policy", "preset", "seed",
                                                 "steps", "status", "outcome", "val loss", "wall"}};
  for (const Json& summary : summaries)
    rows.push_back(row_of(summary));
  std::cout << aligned(rows);
}

}  // namespace

void add_list_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("list", "list the recorded runs and their status");
  const auto options = std::make_shared<ListOptions>();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { list_runs(*options); });
}

}  // namespace dtbench
