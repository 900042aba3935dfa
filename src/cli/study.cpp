#include "sweep/study.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "analysis/hypothesis_file.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "cli/commands.h"
#include "cli/matrix_report.h"
#include "cli/on_finish.h"
#include "cli/study_command.h"
#include "cli/study_forecast.h"
#include "cli/study_stage.h"
#include "cli/sweep_view.h"
#include "report/report_data.h"
#include "report/write_report.h"
#include "sweep/ledger.h"

namespace dtbench {
namespace {

constexpr const char* kReport = "study-report.html";

struct StageEnd {
  std::string title;
  std::size_t cells = 0, done = 0, failed = 0, left_out = 0;
  SweepEnd how = {};
};

// Each cause once, the most frequent first: cells that never started have no line of their own.
void log_failures(const StageEnd& end, const std::vector<SweepCell>& cells) {
  constexpr std::size_t kShown = 3;
  std::map<std::string, std::size_t> counts;
  for (const SweepCell& cell : cells)
    if (!cell.failure.empty()) ++counts[cell.failure];
  std::vector<std::pair<std::string, std::size_t>> causes(counts.begin(), counts.end());
  std::stable_sort(causes.begin(), causes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (std::size_t i = 0; i < std::min(kShown, causes.size()); ++i)
    log_warning(concat("stage ", end.title, ": ", causes[i].second, " of ", cells.size(),
                       " cells: ", causes[i].first));
  if (causes.size() > kShown)
    log_warning(concat("stage ", end.title, ": ", causes.size() - kShown, " more causes"));
}

StageEnd run_stage(const StudyOptions& options, const Study& study, const StudyStage& stage) {
  const auto rates = rates_of_stage(options, study, stage);
  std::vector<SweepCell> cells = stage_cells(options, stage, rates);
  require_device_said(matrix_of_stage(options, stage), cells);
  const SweepOptions sweep = stage_options(options, study, stage, cells);
  if (&stage == &study.stages.front()) log_gpus(cells, sweep);
  log_info(concat("stage ", title_of(stage.name, stage.session), ": ", cells.size(), " cells",
                  rates.empty() ? "" : concat("; rates: ", rates_in_words(rates))));
  const std::unique_ptr<SweepObserver> view = make_sweep_view();
  StageEnd end{title_of(stage.name, stage.session), cells.size()};
  if (sweep.budget) end.how = calibrate(cells, sweep, *view);
  if (end.how.code != ExitCode::kInterrupted) end.how = run_sweep(cells, sweep, *view);
  end.done = count(cells, CellState::kDone);
  end.failed = count(cells, CellState::kFailed);
  end.left_out = count(cells, CellState::kLeftOut);
  log_failures(end, cells);
  return end;
}

// Stage by stage, until one is interrupted or the money ends in it. A failed cell ends nothing.
void run_stages(const StudyOptions& options, const Study& study, std::vector<StageEnd>& ends) {
  for (const StudyStage& stage : study.stages) {
    try {
      ends.push_back(run_stage(options, study, stage));
    } catch (const Error& error) {
      if (error.code() != ExitCode::kRetryable) throw;
      ends.push_back({title_of(stage.name, stage.session), 0, 0, 0, 0, {ExitCode::kRetryable}});
      log_info(error.what());
    }
    if (ends.back().how.code == ExitCode::kInterrupted || ends.back().left_out > 0) break;
  }
}

ExitCode worst(const std::vector<StageEnd>& ends) {
  ExitCode code = ExitCode::kDone;
  for (const StageEnd& end : ends)
    if (end.how.code == ExitCode::kInterrupted)
      return end.how.code;
    else if (end.how.code != ExitCode::kDone && code != ExitCode::kPermanent)
      code = end.how.code;
  return code;
}

Json summary_json(const Study& study, const std::vector<StageEnd>& ends, const Json& data,
                  double device_s, const std::optional<double>& price) {
  Json json = {{"study", study.name},
               {"sha256", study.note.sha256},
               {"stages", Json::array()},
               {"stages_planned", study.stages.size()},
               {"device_s", device_s},
               {"spent_usd", price ? Json(cost_of(device_s, *price)) : Json()},
               {"answer", data.at("answer")},
               {"verdicts", Json::array()}};
  for (const StageEnd& end : ends)
    json["stages"].push_back({{"stage", end.title},
                              {"cells", end.cells},
                              {"done", end.done},
                              {"failed", end.failed},
                              {"left_out", end.left_out}});
  for (const Json& verdict : data.at("verdicts"))
    if (study.note.rules.contains(verdict.at("hypothesis").get<std::string>()))
      json["verdicts"].push_back(verdict);
  return json;
}

std::string rule_sentence(const Json& verdict) {
  const Json& rule = verdict.at("rule");
  if (rule.at("cells_under_this_text") == 0 && rule.at("cells_under_another") == 0) return "";
  return concat(" Of its cells, ", readable(rule.at("cells_under_this_text")),
                " started under the present text of its rule",
                rule.at("cells_under_another") == 0
                    ? ""
                    : concat(", and ", readable(rule.at("cells_under_another")), " under another"),
                ".");
}

std::string summary_text(const Json& summary) {
  Rows rows = {{"stage", "cells", "done", "failed", "left out"}};
  for (const Json& stage : summary.at("stages"))
    rows.push_back({readable(stage.at("stage")), readable(stage.at("cells")),
                    readable(stage.at("done")), readable(stage.at("failed")),
                    readable(stage.at("left_out"))});
  std::string text = aligned(rows, {1, 2}) + "\n";
  const std::size_t begun = summary.at("stages").size();
  if (const auto planned = summary.at("stages_planned").get<std::size_t>(); begun < planned)
    text += concat(planned - begun, " of ", planned,
                   " stages have not begun; the same command resumes.\n");
  for (const Json& verdict : summary.at("verdicts"))
    text += wrapped(concat(readable(verdict.at("hypothesis")), " ", readable(verdict.at("verdict")),
                           ": ", readable(verdict.at("claim")), "? ",
                           readable(verdict.at("reason")), ".", rule_sentence(verdict)),
                    kProse);
  text += concat("Device time: ", human_seconds(summary.at("device_s").get<double>()));
  if (summary.at("spent_usd").is_number())
    text += concat(", ", usd(summary.at("spent_usd").get<double>()), " USD");
  return text + ".\n";
}

void conclude(const StudyOptions& options, const Study& study, const std::vector<StageEnd>& ends,
              const std::optional<double>& price) {
  const std::filesystem::path out = options.matrix.out;
  const Json data = report_data(read_runs(out), load_hypotheses(configs_folder()));
  const double device_s = device_seconds(Ledger(sweep_folder(out) / "ledger").by_cell());
  Json summary = summary_json(study, ends, data, device_s, price);
  summary["report"] = nullptr;
  if (!data.at("cells").empty()) {
    write_report(data, report_format("html"), out / kReport);
    summary["report"] = (out / kReport).string();
  }
  make_directories(sweep_folder(out));
  write_file_atomically(sweep_folder(out) / "study.json", json_text(summary, 1) + "\n");
  if (options.matrix.json) {
    std::cout << json_text(summary, 1) << '\n';
    return;
  }
  std::cout << summary_text(summary);
  if (summary.at("report").is_string())
    std::cout << "Report for the browser: " << readable(summary.at("report")) << '\n';
}

Ending ending_of(const std::vector<StageEnd>& ends, const std::filesystem::path& out) {
  Ending all;
  all.out = out;
  for (const StageEnd& end : ends) {
    all.cells += end.cells;
    all.done += end.done;
    all.failed += end.failed;
    all.left_out += end.left_out;
    if (end.how.signal != 0) all.signal = end.how.signal;
  }
  return all;
}

void run_study(const StudyOptions& options) {
  const Study study = read_study(configs_folder(), options.study);
  if (options.dry_run) {
    const Json forecast = study_forecast(options, study);
    if (options.matrix.json)
      std::cout << json_text(forecast, 1) << '\n';
    else
      std::cout << study_forecast_text(forecast);
    return;
  }
  require_device_here(options.matrix);
  const std::vector<SweepCell> first = stage_cells(options, study.stages.front(), {});
  const std::optional<double> price = sweep_options(options.matrix, first).price_per_hour;
  std::vector<StageEnd> ends;
  Work work;
  work.train = [&] { run_stages(options, study, ends); };
  work.conclude = [&] {
    conclude(options, study, ends, price);
    if (const ExitCode code = worst(ends); code != ExitCode::kDone) throw Ended{code};
  };
  work.ending = [&] { return ending_of(ends, options.matrix.out); };
  work_and_finish(options.matrix.on_finish, work);
}

}  // namespace

void add_study_flags(CLI::App& command, StudyOptions& options) {
  options.matrix.out = "";
  command.add_option("study", options.study, "name of a study in configs/studies, or a .toml file")
      ->required();
  command.add_flag(
      "--dry-run", options.dry_run,
      "print the stages with their hours, dollars and what each can decide; train nothing");
  command.add_option("--seeds", options.seeds, "use at most N seeds per stage (default: all)");
  add_rerun_flag(command, options.rerun);
  add_no_wait_flag(command, options.matrix);
  add_on_finish_option(command, options.matrix.on_finish);
  add_matrix_options(command, options.matrix);
}

void complete(StudyOptions& options) {
  if (options.matrix.out.empty())
    options.matrix.out = concat("runs/", std::filesystem::path(options.study).stem().string());
}

void add_study_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "study", "run a study's stages in order, within a budget, and judge its hypotheses");
  const auto options = std::make_shared<StudyOptions>();
  add_study_flags(*command, *options);
  command->callback([options] {
    complete(*options);
    run_study(*options);
  });
}

}  // namespace dtbench
