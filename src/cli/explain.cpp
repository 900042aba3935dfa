#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/explanation.h"
#include "cli/find_run.h"
#include "report/explanation_text.h"

namespace dtbench {
namespace {

struct ExplainOptions {
  std::string run;
  std::string out = "runs";
  ExplanationRequest request;
  bool json = false;
};

void explain_run(ExplainOptions& options) {
  options.request.run = find_run(options.run, options.out);
  const Json explanation = explanation_of(options.request);
  std::cout << (options.json ? json_text(explanation, 1) + "\n" : explanation_text(explanation));
}

}  // namespace

void add_explain_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "explain",
      "find why a run died: where, by which mechanism, and how far interventions prove it");
  const auto options = std::make_shared<ExplainOptions>();
  command->add_option("run", options->run, "cell id, its beginning, or a run's folder")->required();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  command
      ->add_option("--replays", options->request.replays,
                   "replays with initial weights moved by one ulp (default: 10); 0: no proof")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1000}));
  command->add_flag("--again", options->request.again, "replay even if explain.json exists");
  command->add_flag("--json", options->json, "print explain.json");
  command->callback([options] { explain_run(*options); });
}

}  // namespace dtbench
