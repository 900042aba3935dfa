#include "sweep/study.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/config_files.h"
#include "config/fields.h"
#include "record/run_directory.h"

namespace dtbench {

template <typename Visit>
static void visit_fields(StudyStage& stage, Visit&& visit) {
  visit("name", stage.name);
  visit("purpose", stage.purpose);
  visit("matrix", stage.matrix);
  visit("hypotheses", stage.hypotheses);
  visit("rates_from", stage.rates_from);
  visit(Field("session").between(1, 1000), stage.session);
}

namespace {

namespace fs = std::filesystem;

struct StudyTable {
  std::string description;
  std::vector<StudyStage> stage;
};

template <typename Visit>
void visit_fields(StudyTable& table, Visit&& visit) {
  visit("description", table.description);
  visit("stage", table.stage);
}

// A matrix file that is named by a path lies beside the study, unless the path is absolute.
std::string beside(const std::string& matrix, const std::string& study) {
  const fs::path path = matrix;
  if (path.extension() != ".toml" || path.is_absolute()) return matrix;
  return (fs::path(study).parent_path() / path).string();
}

void check_stage(const StudyStage& stage, const std::vector<std::string>& hypotheses,
                 const std::string& origin) {
  if (stage.name.empty() || stage.matrix.empty())
    throw usage_error(concat("A [[stage]] of ", origin, " lacks its ",
                             stage.name.empty() ? "name" : "matrix", "."),
                      "Each stage has a name and a matrix; docs/study.md lists its keys.");
  for (const std::string& name : stage.hypotheses)
    if (std::find(hypotheses.begin(), hypotheses.end(), name) == hypotheses.end())
      throw usage_error(
          concat("Unknown hypothesis '", name, "' in stage '", stage.name, "' of ", origin, "."),
          suggestion(name, hypotheses));
}

// A name comes back only as a further session of the same stage, and rates come from an earlier
// one.
void check_order(const std::vector<StudyStage>& stages, const std::string& origin) {
  std::map<std::string, std::int64_t> sessions;
  for (const StudyStage& stage : stages) {
    if (!stage.rates_from.empty() && !sessions.contains(stage.rates_from))
      throw usage_error(concat("Stage '", stage.name, "' of ", origin, " takes its rates from '",
                               stage.rates_from, "', which is no earlier stage."),
                        "Put the stage that looks for rates before those that use them.");
    const std::int64_t expected = ++sessions[stage.name];
    if (stage.session != expected)
      throw usage_error(
          concat("Stage '", stage.name, "' of ", origin, " has session ", stage.session,
                 " where session ", expected, " is next."),
          "A stage that comes back is timed again: session = 2, then 3. Other stages need "
          "names of their own.");
  }
}

std::string matrix_file(const fs::path& configs, const std::string& matrix) {
  return load_config_or_file(configs, ConfigKind::kMatrix, matrix).origin;
}

StudyNote note_of_files(const fs::path& configs, const Study& study, const std::string& origin) {
  StudyNote note{study.name, "", {}, {}, {}};
  std::set<std::string> files = {origin};
  for (const StudyStage& stage : study.stages) {
    files.insert(matrix_file(configs, stage.matrix));
    for (const std::string& hypothesis : stage.hypotheses) {
      const std::string file = load_config(configs, ConfigKind::kHypothesis, hypothesis).origin;
      note.rules[hypothesis] = sha256_file(file);
      files.insert(file);
    }
  }
  std::set<std::string> hashes;  // in an order that no folder's name decides
  for (const std::string& file : files)
    hashes.insert(sha256_file(file));
  note.sha256 = sha256_hex(join({hashes.begin(), hashes.end()}, "\n"));
  return note;
}

}  // namespace

StudyNote Study::note_of(const StudyStage& stage) const {
  StudyNote its = note;
  its.stages = {stage.name};
  its.hypotheses = stage.hypotheses;
  return its;
}

Study read_study(const fs::path& configs, const std::string& name_or_path) {
  const ConfigFile file = load_config_or_file(configs, ConfigKind::kStudy, name_or_path);
  StudyTable table;
  read_struct(file.content, {"", file.origin}, MissingKeys::kKeepDefaults, table);
  if (table.stage.empty())
    throw usage_error(concat("The study ", file.origin, " has no [[stage]]."),
                      "docs/study.md lists its keys.");
  const auto hypotheses = config_names(configs, ConfigKind::kHypothesis);
  Study study{file.name, table.description, std::move(table.stage), {}};
  for (StudyStage& stage : study.stages) {
    check_stage(stage, hypotheses, file.origin);
    stage.matrix = beside(stage.matrix, file.origin);
  }
  check_order(study.stages, file.origin);
  study.note = note_of_files(configs, study, file.origin);
  return study;
}

fs::path stage_folder(const fs::path& out, const StudyStage& stage) {
  return stage.session == 1 ? out : out / concat(kSessionFolder, stage.session);
}

void keep_first_seeds(Matrix& matrix, std::optional<std::size_t> seeds) {
  if (!seeds) return;
  for (MatrixPart& part : matrix.parts)
    if (part.seeds && part.seeds->size() > *seeds) part.seeds->resize(*seeds);
}

void set_rates(Matrix& matrix, const std::map<std::string, double>& rates,
               const std::vector<std::string>& all_scenarios, const std::string& origin) {
  std::vector<MatrixPart> split;
  for (const MatrixPart& part : matrix.parts)
    for (const std::string& scenario : part.scenarios.empty() ? all_scenarios : part.scenarios) {
      MatrixPart& own = split.emplace_back(part);
      own.scenarios = {scenario};
      if (const auto rate = rates.find(scenario); rate != rates.end())
        own.settings.push_back({"train.learning_rate", Json(rate->second).dump(), origin});
    }
  matrix.parts = std::move(split);
}

}  // namespace dtbench
