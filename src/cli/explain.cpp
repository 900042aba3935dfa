#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/explanation.h"
#include "cli/find_run.h"
#include "cli/shadow.h"
#include "report/explanation_text.h"
#include "report/shadow_text.h"

namespace dtbench {
namespace {

struct ExplainOptions {
  std::string run;
  std::string out = "runs";
  ExplanationRequest request;
  ShadowRequest shadow;  // where `against` says so
  bool json = false;
};

void print(const Json& answer, const std::string& text, bool json) {
  std::cout << (json ? json_text(answer, 1) + "\n" : text);
}

void explain_run(ExplainOptions& options) {
  const std::filesystem::path run = find_run(options.run, options.out);
  if (!options.shadow.against.empty()) {
    options.shadow.run = run;
    options.shadow.root = options.out;
    const Json shadow = shadow_of(options.shadow);
    print(shadow, shadow_text(shadow), options.json);
    return;
  }
  options.request.run = run;
  const Json explanation = explanation_of(options.request);
  print(explanation, explanation_text(explanation), options.json);
}

}  // namespace

void add_explain_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("explain",
                                             "find out why a run died: where, by which mechanism, "
                                             "and how well experiments confirm it");
  const auto options = std::make_shared<ExplainOptions>();
  command->add_option("run", options->run, "cell id (or a prefix of it), or a run's folder")
      ->required();
  command->add_option("--out", options->out, "root folder of records (default: runs)");
  CLI::Option* replays =
      command
          ->add_option("--replays", options->request.replays,
                       "number of replays with initial weights perturbed by one "
                       "ulp, which test the diagnosis (default: 10; 0 also skips "
                       "the interventions)")
          ->check(CLI::Range(std::int64_t{0}, std::int64_t{1000}));
  CLI::Option* again =
      command->add_flag("--again", options->request.again, "replay even if explain.json exists");
  CLI::Option* against = command
                             ->add_option("--against", options->shadow.against,
                                          "policy name, .toml file or another run: compute the "
                                          "same steps under both and compare them operation by "
                                          "operation")
                             ->excludes(replays)
                             ->excludes(again);
  command
      ->add_option("--from", options->shadow.from,
                   "with --against: first step to compare (default: 0)")
      ->needs(against)
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}));
  command
      ->add_option("--steps", options->shadow.steps,
                   "with --against: number of steps to compare (default: 3)")
      ->needs(against)
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000}));
  command->add_flag("--json", options->json, "print JSON");
  command->callback([options] { explain_run(*options); });
}

}  // namespace dtbench
