// The stages of a study as cells: what `study` runs and what its dry run counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "analysis/chosen_rates.h"
#include "cli/matrix_options.h"
#include "sweep/study.h"

namespace dtbench {

struct StudyOptions {
  std::string study;     // by name or path
  MatrixOptions matrix;  // its selection is not used: the stages are the study's own
  std::string seeds;     // at most so many of each stage's
  bool dry_run = false, rerun = false;
};

// "speed", "speed, session 2".
std::string title_of(const std::string& stage, std::int64_t session);

// The rates that the cells of an earlier stage chose; none where the stage takes none.
// Throws Error (retryable) while cells of that stage are not done.
std::map<std::string, ChosenRate> rates_of_stage(const StudyOptions& options, const Study& study,
                                                 const StudyStage& stage);

// "A at 0.0006, B at 0.0003; fp32_true trained at no rate on B".
std::string rates_in_words(const std::map<std::string, ChosenRate>& rates);

// The options that its matrix would be run with.
MatrixOptions matrix_of_stage(const StudyOptions& options, const StudyStage& stage);

// The stage's cells in the order in which they run, at the rates given.
std::vector<SweepCell> stage_cells(const StudyOptions& options, const StudyStage& stage,
                                   const std::map<std::string, ChosenRate>& rates);

// Folders, price and budget of the stage, which is one of the study's own; the whole study has one
// account.
SweepOptions stage_options(const StudyOptions& options, const Study& study, const StudyStage& stage,
                           const std::vector<SweepCell>& cells);

}  // namespace dtbench
