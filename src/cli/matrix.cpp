#include <memory>

#include "cli/commands.h"
#include "cli/health_option.h"
#include "cli/matrix_command.h"
#include "cli/on_finish.h"

namespace dtbench {

void add_matrix_flags(CLI::App& command, MatrixCommand& options) {
  add_matrix_selection(command, options.matrix);
  add_matrix_options(command, options.matrix);
  command.add_flag("--dry-run", options.dry_run,
                   "print the cells with their predicted memory, hours and dollars; train nothing");
  add_rerun_flag(command, options.rerun);
  // Two flags, the last of which counts: CLI11 shows a negated name as --keep-going{false}.
  command
      .add_flag_callback(
          "--fail-fast", [&options] { options.fail_fast = true; }, "stop at the first failed cell")
      ->trigger_on_parse();
  command
      .add_flag_callback(
          "--keep-going", [&options] { options.fail_fast = false; },
          "train the other cells when one fails (default)")
      ->trigger_on_parse();
  command.add_option(
      "--cell-timeout", options.timeout,
      "seconds after which a cell is stopped and counted as failed (default: no limit)");
  command
      .add_option("--lease-seconds", options.lease_s,
                  "seconds without a heartbeat after which another process may take over a cell "
                  "(default: 60)")
      ->check(CLI::Range(1.0, 86400.0));
  add_no_wait_flag(command, options.matrix);
  add_on_finish_option(command, options.matrix.on_finish);
  command.add_flag(
      "--profile", options.profile,
      "after training each cell, run extra steps to time each operation, for the report");
  add_health_option(command, options.health);
  command.add_flag("--tensorboard", options.tensorboard,
                   "write TensorBoard event files into each cell's tensorboard/");
}

void add_matrix_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "matrix",
      "train many cells, each in its own process: scenarios x policies x seeds x settings");
  const auto options = std::make_shared<MatrixCommand>();
  add_matrix_flags(*command, *options);
  command->callback([options] { run_matrix(*options); });
}

}  // namespace dtbench
