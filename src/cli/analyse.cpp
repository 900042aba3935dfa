#include "analysis/analyse.h"

#include <iostream>
#include <memory>

#include "analysis/hypothesis_file.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/commands.h"
#include "record/run_summary.h"
#include "report/analysis_text.h"

namespace dtbench {
namespace {

struct AnalyseOptions {
  std::string folder = "runs";
  bool json = false;
};

void analyse_runs(const AnalyseOptions& options) {
  const std::vector<RunRecord> runs =
      runs_in(options.folder, "Name the root folder of records: dtbench analyse DIR.");
  const std::vector<Hypothesis> hypotheses = load_hypotheses(configs_folder());
  LossCurves curves;
  const Json analysis = analyse(runs, hypotheses, curves);
  if (options.json)
    std::cout << json_text(analysis, 1) << '\n';
  else
    std::cout << verdicts_text(analysis) << records_text(analysis) << rates_text(analysis)
              << comparisons_text(analysis);
}

}  // namespace

void add_analyse_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "analyse", "compare every policy with fp32_true and judge the hypotheses");
  const auto options = std::make_shared<AnalyseOptions>();
  command->add_option("folder", options->folder, "root folder of records (default: runs)");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { analyse_runs(*options); });
}

}  // namespace dtbench
