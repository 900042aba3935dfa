#include <memory>

#include "base/places.h"
#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/spec_options.h"
#include "config/config_files.h"

namespace dtbench {
namespace {

struct BenchmarkOptions {
  std::string architecture, task;
  SpecOptions spec;
  LaunchOptions launch;
};

}  // namespace

void add_benchmark_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "benchmark", "train one cell, like 'run', but with the flags of benchmark.py");
  const auto options = std::make_shared<BenchmarkOptions>();
  command->add_option("--model_arch", options->architecture, "gpt2 or roberta")->required();
  command->add_option("--task", options->task, "clm, mlm, multi_cls or single_cls")->required();
  command->add_option("--dtype_config", options->spec.policy, "policy name or .toml file")
      ->required();
  options->spec.add_preset(*command);
  options->spec.add_to(*command, cell_flags(Spelling::kSpecification));
  add_launch_options(*command, options->launch);
  command->footer(scenarios_and_presets);
  command->callback([options] {
    options->spec.scenario = scenario_of(configs_folder(), options->architecture, options->task);
    launch(options->spec.request(), options->launch);
  });
}

}  // namespace dtbench
