#include <memory>

#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/spec_options.h"

namespace dtbench {
namespace {

struct RunOptions {
  SpecOptions spec;
  LaunchOptions launch;
};

}  // namespace

void add_run_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("run", "train one cell and record it");
  const auto options = std::make_shared<RunOptions>();
  options->spec.add_scenario(*command);
  options->spec.add_policy(*command);
  options->spec.add_preset(*command);
  options->spec.add_to(*command, cell_flags(Spelling::kRun));
  add_launch_options(*command, options->launch);
  command->footer(scenarios_and_presets);
  command->callback([options] { launch(options->spec.request(), options->launch); });
}

}  // namespace dtbench
