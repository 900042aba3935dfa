#include <iostream>
#include <memory>

#include "base/atomic_file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/matrix_options.h"
#include "cli/matrix_report.h"
#include "cli/sweep_view.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

struct MatrixCommand {
  MatrixOptions matrix;
  std::string timeout;
  double lease_s = 60;
  bool dry_run = false, rerun = false, fail_fast = false, tensorboard = false;
};

void print(const Json& answer, const std::string& text, bool json) {
  if (json)
    std::cout << json_text(answer, 1) << '\n';
  else
    std::cout << text;
}

void require_affordable(const std::vector<SweepCell>& cells, const SweepOptions& options) {
  bool any = false;
  std::optional<double> cheapest;
  for (const SweepCell& cell : cells) {
    any = any || cell.state == CellState::kDone || cell.state == CellState::kFailed;
    if (cell.predicted_s && (!cheapest || *cell.predicted_s < *cheapest))
      cheapest = cell.predicted_s;
  }
  if (any || !options.budget) return;
  std::string why = "calibration alone cost more";
  if (cheapest) {
    const double device_s = *cheapest * options.slots.front().share;
    why = concat("the cheapest is predicted to take ", human_seconds(*cheapest), ", at a cost of ",
                 usd(cost_of(device_s, options.price_per_hour.value_or(0))), " USD");
  }
  throw usage_error(concat("The budget of ", usd(*options.budget), " USD pays for none of the ",
                           cells.size(), " cells: ", why, "."),
                    "'dtbench plan' shows how many seeds and steps a budget pays for.");
}

void run_matrix(const MatrixCommand& command) {
  std::vector<SweepCell> cells = sweep_cells(command.matrix);
  SweepOptions options = sweep_options(command.matrix, cells);
  options.rerun = command.rerun;
  options.fail_fast = command.fail_fast;
  options.tensorboard = command.tensorboard;
  options.lease_s = command.lease_s;
  if (!command.timeout.empty())
    options.timeout_s = positive_number(command.timeout, "--cell-timeout", "seconds");
  if (command.dry_run) {
    predict(cells, options);
    const Json answer = forecast(cells, options);
    return print(answer, forecast_text(answer), command.matrix.json);
  }
  const std::unique_ptr<SweepObserver> view = make_sweep_view();
  ExitCode end = ExitCode::kDone;
  if (options.budget) end = calibrate(cells, options, *view);
  if (end != ExitCode::kInterrupted) end = run_sweep(cells, options, *view);

  const Json answer = matrix_summary(cells, options);
  make_directories(sweep_folder(options.out));
  write_file_atomically(sweep_folder(options.out) / "summary.json", answer.dump(1) + "\n");
  print(answer, matrix_summary_text(answer), command.matrix.json);
  if (end == ExitCode::kDone) require_affordable(cells, options);
  if (end != ExitCode::kDone) throw Ended{end};
}

}  // namespace

void add_matrix_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "matrix",
      "train many cells, each in its own process: scenarios x policies x seeds x settings");
  const auto options = std::make_shared<MatrixCommand>();
  add_matrix_options(*command, options->matrix);
  command->add_flag("--dry-run", options->dry_run,
                    "print cells, memory, hours and dollars; train nothing");
  command->add_flag(
      "--rerun", options->rerun,
      "retrain records refused because program, spec or data differ; move them aside");
  command->add_flag("--fail-fast,!--keep-going", options->fail_fast,
                    "stop at the first cell that fails (default: keep going)");
  command->add_option("--cell-timeout", options->timeout,
                      "seconds before a cell is stopped and counts as failed");
  command
      ->add_option(
          "--lease-seconds", options->lease_s,
          "seconds without a heartbeat before another process may take the cell (default: 60)")
      ->check(CLI::Range(1.0, 86400.0));
  command->add_flag("--tensorboard", options->tensorboard,
                    "write event files into each cell's tensorboard/");
  command->callback([options] { run_matrix(*options); });
}

}  // namespace dtbench
