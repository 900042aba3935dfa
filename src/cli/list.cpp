#include <iostream>
#include <memory>

#include "base/log.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/run_summary.h"
#include "cli/table.h"

namespace dtbench {
namespace {

struct ListOptions {
  std::string out = "runs";
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

void list_runs(const ListOptions& options) {
  Json summaries = Json::array();
  for (const RunRecord& run : read_runs(options.out, RecordFiles::kSpecAndResult))
    summaries.push_back(summary_of(run));
  if (options.json) {
    std::cout << summaries.dump(1) << '\n';
    return;
  }
  if (summaries.empty()) {
    log_info(concat("no runs in '", options.out, "'"));
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
  CLI::App* command = program.add_subcommand("list", "the runs there are, and how they stand");
  const auto options = std::make_shared<ListOptions>();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { list_runs(*options); });
}

}  // namespace dtbench
