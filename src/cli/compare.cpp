#include <iostream>
#include <memory>

#include "analysis/changes.h"
#include "base/text.h"
#include "cli/commands.h"
#include "record/run_summary.h"
#include "report/changes_text.h"

namespace dtbench {
namespace {

struct CompareOptions {
  std::string before, after;
  bool json = false;
};

std::vector<RunRecord> records_in(const std::string& folder) {
  return runs_in(folder, "Name two root folders of records: dtbench compare BEFORE AFTER.");
}

void compare_sets(const CompareOptions& options) {
  const Json found = changes(records_in(options.before), records_in(options.after));
  if (options.json)
    std::cout << json_text(found, 1) << '\n';
  else
    std::cout << changes_text(found);
}

}  // namespace

void add_compare_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "compare",
      "compare two sets of runs (from two devices or revisions): what changed beyond noise");
  const auto options = std::make_shared<CompareOptions>();
  command->add_option("before", options->before, "root folder of the earlier records")->required();
  command->add_option("after", options->after, "root folder of the later records")->required();
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { compare_sets(*options); });
}

}  // namespace dtbench
