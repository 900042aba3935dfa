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
  std::vector<SpecFlag> flags = {
      {"--steps", "train.steps", "training steps"},
      {"--batch", "train.batch", "samples in the global batch"},
      {"--micro-batch", "train.micro_batch", "samples per micro-batch; must divide the batch"},
      {"--lr", "train.learning_rate", "learning rate after the warm-up"},
      {"--seed", "seed", "seed of weights, data order, masks and dropout"},
      {"--init", "model.init",
       "scratch, pretrained (as published), a .safetensors file or hf://..."},
      {"--device", "device", "cpu, cuda or cuda:N"},
      {"--engine", "engine", "reference or fused"},
      {"--on-nonfinite", "train.on_nonfinite", "at the first NaN or infinity: stop or continue"}};
  for (const SpecFlag& flag : data_flags())
    flags.push_back(flag);
  options->spec.add_to(*command, flags);
  add_launch_options(*command, options->launch);
  command->footer(scenarios_and_presets);
  command->callback([options] { launch(options->spec.request(), options->launch); });
}

}  // namespace dtbench
