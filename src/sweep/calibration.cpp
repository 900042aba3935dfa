#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "base/text.h"
#include "record/run_directory.h"
#include "sweep/folder_names.h"
#include "sweep/ledger.h"
#include "sweep/sweep.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSteps = 8;

using Spending = std::map<std::string, Spent>;

// The cell that is trained to learn the duration of a kind. Its learning rate and seed are those of
// any cell of the kind: they change no duration.
SweepCell calibration_of(const SweepCell& cell, const fs::path& folder) {
  SweepCell calibration;
  calibration.spec = cell.spec;
  calibration.spec.train.steps = std::min(kSteps, cell.spec.train.steps);
  calibration.spec.train.warmup_steps = 0;
  calibration.spec.train.eval_every = 0;
  calibration.name = "calibration of " + cell.name;
  calibration.run = folder / cell_id(calibration.spec);
  return calibration;
}

// The cells share a folder.
void learn(Predictor& predictor, const std::vector<SweepCell>& cells, const Spending& spent) {
  if (cells.empty()) return;
  const std::set<std::string> begun = names_in(cells.front().run.parent_path());
  for (const SweepCell& cell : cells) {
    if (!begun.contains(cell.run.filename().string()) || !fs::exists(cell.run / "result.json"))
      continue;
    predictor.learn(cell.spec, read_run(cell.run), wall_seconds(spent, cell.run));
  }
}

std::vector<SweepCell> calibrations(const std::vector<SweepCell>& cells, const fs::path& out) {
  std::vector<SweepCell> list;
  std::set<std::string> kinds;
  for (const SweepCell& cell : cells)
    if (kinds.insert(kind_of(cell.spec)).second)
      list.push_back(calibration_of(cell, calibration_folder(out)));
  return list;
}

// A cell without a prediction says why its kind's calibration failed.
void explain_unknown(std::vector<SweepCell>& cells, const std::vector<SweepCell>& calibrations) {
  std::map<std::string, const SweepCell*> of_kind;
  for (const SweepCell& calibration : calibrations)
    of_kind[kind_of(calibration.spec)] = &calibration;
  for (SweepCell& cell : cells)
    if (const auto its = of_kind.find(kind_of(cell.spec));
        !cell.predicted_s && its != of_kind.end()) {
      cell.failure = its->second->failure;
      cell.failure_code = its->second->failure_code;
    }
}

}  // namespace

// A cell tells more than a calibration: the latter count for kinds only that have no cell.
Predictor predict(std::vector<SweepCell>& cells, const SweepOptions& options) {
  const Spending spent = Ledger(account_folder(options)).by_cell();
  Predictor predictor;
  learn(predictor, cells, spent);
  std::vector<SweepCell> unknown;
  for (const SweepCell& cell : cells)
    if (!predictor.time(cell.spec)) unknown.push_back(cell);
  learn(predictor, calibrations(unknown, options.out), spent);
  for (SweepCell& cell : cells)
    cell.predicted_s = predictor.seconds(cell.spec);
  return predictor;
}

SweepEnd calibrate(std::vector<SweepCell>& cells, const SweepOptions& options,
                   SweepObserver& observer) {
  predict(cells, options);
  std::vector<SweepCell> unknown;
  for (const SweepCell& cell : cells)
    if (!cell.predicted_s) unknown.push_back(cell);
  std::vector<SweepCell> list = calibrations(unknown, options.out);
  if (list.empty()) return {};
  SweepOptions own = options;
  own.out = calibration_folder(options.out);
  own.account = account_folder(options);
  own.unpredicted = true;
  own.tensorboard = false;
  own.wait = true;  // what others learn is needed here
  own.study.reset();
  own.title = options.title.empty() ? "calibration" : "calibration for " + options.title;
  log_info(concat("calibration: training ", list.size(), list.size() == 1 ? " cell" : " cells",
                  " for at most ", kSteps, " steps to predict the others' cost"));
  const SweepEnd end = run_sweep(list, own, observer);
  predict(cells, options);
  explain_unknown(cells, list);
  return end;
}

}  // namespace dtbench
