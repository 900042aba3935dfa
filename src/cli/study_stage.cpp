#include "cli/study_stage.h"

#include <algorithm>

#include "base/error.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "config/config_files.h"
#include "record/status.h"

namespace dtbench {
namespace {

const StudyStage& stage_called(const Study& study, const std::string& name) {
  return *std::find_if(study.stages.begin(), study.stages.end(),
                       [&](const StudyStage& stage) { return stage.name == name; });
}

std::optional<std::size_t> most_seeds(const StudyOptions& options) {
  if (options.seeds.empty()) return std::nullopt;
  return seeds_from_count(options.seeds, "--seeds").size();
}

}  // namespace

std::string title_of(const std::string& stage, std::int64_t session) {
  return session == 1 ? stage : concat(stage, ", session ", session);
}

std::map<std::string, ChosenRate> rates_of_stage(const StudyOptions& options, const Study& study,
                                                 const StudyStage& stage) {
  if (stage.rates_from.empty()) return {};
  const StudyStage& earlier = stage_called(study, stage.rates_from);
  std::vector<RunRecord> records;
  std::size_t missing = 0;
  for (const SweepCell& cell : stage_cells(options, earlier, {})) {
    records.push_back(read_run(cell.run, RecordFiles::kAll));
    missing += is_whole(records.back()) ? 0 : 1;
  }
  if (missing > 0)
    throw Error(ExitCode::kRetryable,
                concat("Stage '", stage.name, "' takes its rates from stage '", earlier.name,
                       "', but ", missing, " of its ", records.size(), " cells are not done."));
  return chosen_rates(cells_of(records).used);
}

std::string rates_in_words(const std::map<std::string, ChosenRate>& rates) {
  std::vector<std::string> parts, untrained;
  for (const auto& [scenario, chosen] : rates) {
    parts.push_back(concat(scenario, " ", chosen.rate));
    if (!chosen.trained) untrained.push_back(scenario);
  }
  std::string text = join(parts, ", ");
  if (!untrained.empty())
    text += concat("; no rate trained every seed of fp32_true on ", join(untrained, ", "),
                   ", so the most trained seeds, then the lowest loss, decided");
  return text;
}

MatrixOptions matrix_of_stage(const StudyOptions& options, const StudyStage& stage) {
  MatrixOptions own = options.matrix;
  own.file = stage.matrix;
  own.out = stage_folder(options.matrix.out, stage).string();
  return own;
}

std::vector<SweepCell> stage_cells(const StudyOptions& options, const StudyStage& stage,
                                   const std::map<std::string, ChosenRate>& rates) {
  const std::filesystem::path configs = configs_folder();
  Matrix matrix = read_matrix(configs, stage.matrix);
  keep_first_seeds(matrix, most_seeds(options));
  matrix.rotation = static_cast<std::size_t>(stage.session - 1);
  if (!rates.empty()) {
    std::map<std::string, double> values;
    for (const auto& [scenario, chosen] : rates)
      values[scenario] = chosen.rate;
    set_rates(matrix, values, config_names(configs, ConfigKind::kScenario),
              concat("stage '", stage.rates_from, "'"));
  }
  return sweep_cells(matrix_of_stage(options, stage), std::move(matrix));
}

SweepOptions stage_options(const StudyOptions& options, const Study& study, const StudyStage& stage,
                           const std::vector<SweepCell>& cells) {
  SweepOptions sweep = sweep_options(options.matrix, cells);
  sweep.account = account_folder(sweep);
  sweep.out = stage_folder(options.matrix.out, stage);
  sweep.study = study.note_of(stage);
  sweep.title = concat("stage ", &stage - study.stages.data() + 1, " of ", study.stages.size(),
                       " (", title_of(stage.name, stage.session), ")");
  sweep.rerun = options.rerun;
  // Without its last cell, a stage that takes its rates would be left to who trains that cell.
  for (const StudyStage& later : study.stages)
    if (later.rates_from == stage.name) sweep.wait = true;
  return sweep;
}

}  // namespace dtbench
