#include <memory>

#include "cli/commands.h"
#include "cli/matrix_command.h"
#include "cli/on_finish.h"

namespace dtbench {

void add_matrix_flags(CLI::App& command, MatrixCommand& options) {
  add_matrix_selection(command, options.matrix);
  add_matrix_options(command, options.matrix);
  command.add_flag("--dry-run", options.dry_run,
                   "print cells, memory, hours and dollars; train nothing");
  command.add_flag("--rerun", options.rerun,
                   "move aside and retrain records whose program, spec or data differ");
  command.add_flag("--fail-fast,!--keep-going", options.fail_fast,
                   "stop at the first cell that fails (default: keep going)");
  command.add_option("--cell-timeout", options.timeout,
                     "seconds before a cell is stopped and counts as failed");
  command
      .add_option(
          "--lease-seconds", options.lease_s,
          "seconds without a heartbeat before another process may take the cell (default: 60)")
      ->check(CLI::Range(1.0, 86400.0));
  add_no_wait_flag(command, options.matrix);
  add_on_finish_option(command, options.matrix.on_finish);
  command.add_flag("--profile", options.profile,
                   "after each cell's training, time some more steps by operation, for the report");
  command.add_flag("--tensorboard", options.tensorboard,
                   "write event files into each cell's tensorboard/");
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
