// A study: stages, each a matrix, in the order in which they are to be decided, with the hypotheses
// that each is for. Files of configs/studies; their keys are in docs/study.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record/study_note.h"
#include "sweep/matrix.h"

namespace dtbench {

struct StudyStage {
  std::string name;                     // unique, but for the sessions of one stage
  std::string purpose;                  // a sentence
  std::string matrix;                   // a name in configs/matrices or a .toml file
  std::vector<std::string> hypotheses;  // that its cells count for
  std::string rates_from;  // an earlier stage, whose fp32_true cells choose each scenario's rate
  std::int64_t session =
      1;  // the same cells once more, for times; above 1: in a folder of their own
};

struct Study {
  std::string name, description;
  std::vector<StudyStage> stages;
  StudyNote note;  // without stages and hypotheses

  // What a cell of the stage has in its record.
  StudyNote note_of(const StudyStage& stage) const;
};

// By name from configs/studies, or any .toml file by its path. Throws Error (usage) for unknown
// keys, with the nearest, unknown matrices and hypotheses, and stages that do not fit together.
Study read_study(const std::filesystem::path& configs, const std::string& name_or_path);

// Where the stage's records are: `out`, or for further sessions <out>/session-N.
std::filesystem::path stage_folder(const std::filesystem::path& out, const StudyStage& stage);

// The first `seeds` seeds of each part; all where there is none.
void keep_first_seeds(Matrix& matrix, std::optional<std::size_t> seeds);

// Each scenario at its own rate: {"A": 6e-4, ...}. A part is split where it holds several.
// Scenarios without a rate keep what they have.
void set_rates(Matrix& matrix, const std::map<std::string, double>& rates,
               const std::vector<std::string>& all_scenarios, const std::string& origin);

}  // namespace dtbench
