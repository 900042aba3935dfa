#include "cli/commands.h"

namespace dtbench {

void add_submit_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "submit",
      "submit a matrix or a study to Slurm, or print a Kubernetes Job or a SkyPilot task for it");
  command->require_subcommand(1);
  add_submit_slurm_command(*command);
  add_submit_kubernetes_command(*command);
  add_submit_skypilot_command(*command);
}

}  // namespace dtbench
