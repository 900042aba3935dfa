#include "cli/matrix_command.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

#include "analysis/hypothesis_file.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/matrix_report.h"
#include "cli/on_finish.h"
#include "cli/sweep_view.h"
#include "report/matrix_text.h"
#include "report/report_data.h"
#include "report/write_report.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

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

// A process that does not wait (--no-wait). It leaves them the report, too: each of a thousand
// tasks would read all records for it.
bool leaves_cells_to_others(const std::vector<SweepCell>& cells) {
  return std::any_of(cells.begin(), cells.end(),
                     [](const SweepCell& cell) { return cell.state == CellState::kElsewhere; });
}

// Of the matrix's own cells, whatever else lies in the folder.
std::vector<RunRecord> records_of(const std::vector<SweepCell>& cells) {
  std::vector<RunRecord> records;
  for (const SweepCell& cell : cells)
    if (std::filesystem::is_directory(cell.run)) records.push_back(read_run(cell.run));
  return records;
}

// Its path; "" where no cell has a record.
std::string write_page(const Json& data, const std::filesystem::path& path) {
  if (data.at("cells").empty()) return "";
  write_report(data, report_format("html"), path);
  return path.string();
}

// Verdicts that have something to say: the others stand on the page.
std::string verdict_lines(const Json& data) {
  std::string text;
  for (const Json& verdict : data.at("verdicts"))
    if (verdict.at("plan").at("done") != 0)
      text += concat(readable(verdict.at("hypothesis")), " ", readable(verdict.at("verdict")), ": ",
                     readable(verdict.at("reason")), "\n");
  return text.empty() ? "" : "\n" + text;
}

std::string ending_text(const Json& summary, const Json& data) {
  std::string text = matrix_text(data) + verdict_lines(data) + "\n";
  for (const Json& sentence : data.at("closing"))
    text += wrapped(sentence.get<std::string>(), kProse);
  text += "\n" + matrix_summary_text(summary);
  if (summary.at("report").is_string())
    text += concat("Report for the browser: ", readable(summary.at("report")), "\n");
  return text;
}

// Writes summary and page, and prints them; the page is left to whoever trains the last cells.
// Throws Ended where `end` is not kDone.
void conclude(const MatrixCommand& command, const std::vector<SweepCell>& cells,
              const SweepOptions& options, ExitCode end) {
  Json summary = matrix_summary(cells, options);
  if (end == ExitCode::kDone && leaves_cells_to_others(cells)) {
    summary["report"] = nullptr;
    return print(summary, matrix_summary_text(summary), command.matrix.json);
  }
  const Json data = report_data(records_of(cells), load_hypotheses(options.configs));
  const std::string page = write_page(data, options.out / command.report);
  summary["answer"] = data.at("answer");
  summary["closing"] = data.at("closing");
  summary["report"] = page.empty() ? Json() : Json(page);
  make_directories(sweep_folder(options.out));
  write_file_atomically(sweep_folder(options.out) / "summary.json", json_text(summary, 1) + "\n");
  print(summary, ending_text(summary, data), command.matrix.json);
  if (end == ExitCode::kDone) require_affordable(cells, options);
  if (end != ExitCode::kDone) throw Ended{end};
}

Ending ending_of(const std::vector<SweepCell>& cells, const std::filesystem::path& out,
                 const SweepEnd& end) {
  return {end.code,
          end.signal,
          cells.size(),
          count(cells, CellState::kDone),
          count(cells, CellState::kFailed),
          count(cells, CellState::kLeftOut),
          out};
}

}  // namespace

void run_matrix(const MatrixCommand& command) {
  std::vector<SweepCell> cells = sweep_cells(command.matrix);
  SweepOptions options = sweep_options(command.matrix, cells);
  options.rerun = command.rerun;
  options.fail_fast = command.fail_fast;
  options.tensorboard = command.tensorboard;
  options.profile = command.profile;
  options.health = command.health;
  options.lease_s = command.lease_s;
  if (!command.timeout.empty())
    options.timeout_s = positive_number(command.timeout, "--cell-timeout", "seconds");
  if (command.dry_run) {
    predict_all(card_predictor(command.matrix), cells, options);
    const Json answer = forecast(cells, options);
    return print(answer, forecast_text(answer), command.matrix.json);
  }
  require_device_here(command.matrix);
  require_device_said(command.matrix, cells);
  log_gpus(cells, options);
  SweepEnd end;
  Work work;
  work.train = [&] {
    const std::unique_ptr<SweepObserver> view = make_sweep_view();
    if (options.budget) end = calibrate(cells, options, *view);
    if (end.code != ExitCode::kInterrupted) end = run_sweep(cells, options, *view);
  };
  work.conclude = [&] { conclude(command, cells, options, end.code); };
  work.ending = [&] { return ending_of(cells, options.out, end); };
  work_and_finish(command.matrix.on_finish, work);
}

}  // namespace dtbench
