#include "sweep/prepared_cell.h"

#include "analysis/json_access.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "config/extension.h"
#include "config/hub_address.h"
#include "data/hub_files.h"
#include "data/store.h"
#include "data/weights_files.h"
#include "record/run_directory.h"
#include "record/status.h"
#include "sweep/sweep_options.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRerun = "--rerun retrains and keeps the old record beside the new one.";

void require_readable(const RunRecord& record) {
  if (!record.damage) return;
  throw usage_error(
      concat("The record '", record.path.string(), "' is damaged: ", *record.damage, "."),
      "--rerun retrains and keeps the damaged record beside the new one.");
}

// A folder that was put together from several runs.
void require_same_spec(const RunRecord& record, const RunSpec& spec) {
  std::vector<std::string> fields;
  for (const Json& field : differences(record.spec, to_json(spec)))
    fields.push_back(concat(field.at("field").get<std::string>(), " is ", field.at("here").dump(),
                            " instead of ", field.at("there").dump()));
  if (fields.empty()) return;
  throw usage_error(concat("The record '", record.path.string(),
                           "' belongs to another cell: ", join(fields, ", "), "."),
                    kRerun);
}

// The spec names the data's file, the record what was in it.
void require_same_data(const RunRecord& record, const fs::path& store) {
  const Json recorded = member_or_null(record.result, "/data/fingerprint");
  const std::string present = TokenStore(store).meta().fingerprint;
  if (recorded.is_null() || recorded == present) return;
  throw usage_error(concat("The record '", record.path.string(), "' was made from other data: its ",
                           "fingerprint is ", recorded.dump(), ", now it is \"", present, "\"."),
                    kRerun);
}

// Likewise for a file of initial weights.
void require_same_initial_weights(const RunRecord& record, const RunSpec& spec,
                                  const CellFiles& files) {
  const Json recorded = member_or_null(record.audit, "/identity/initial_weights_file");
  if (recorded.is_null() || recorded == "") return;
  const std::string present = weights_fingerprint(files.initial_weights);
  if (recorded == present) return;
  throw usage_error(concat("The record '", record.path.string(), "' was made from other initial ",
                           "weights: the SHA-256 of '", spec.model.init, "' was ", recorded.dump(),
                           ", now it is \"", present, "\"."),
                    kRerun);
}

}  // namespace

CellFiles files_of_cell(const RunSpec& spec, const fs::path& configs) {
  CellFiles files;
  files.initial_weights = initial_weights_file(spec);  // first: a wrong path is soon told
  files.store = prepare_store(spec, cache_folder(), configs);
  files.sources = hub_sources(spec);
  return files;
}

bool is_finished(const RunSpec& spec, const fs::path& run, const CellFiles& files) {
  if (!fs::exists(run / "spec.json") || is_running(run)) return false;
  const RunRecord record = read_run(run);
  require_readable(record);
  if (!is_final(record)) return false;
  require_same_spec(record, spec);
  require_same_data(record, files.store);
  require_same_initial_weights(record, spec, files);
  return true;
}

PreparedCell prepare_cell(const RunSpec& spec, const fs::path& out, const fs::path& configs,
                          OldRecord old_record) {
  PreparedCell cell{files_of_cell(spec, configs), spec, out / cell_id(spec)};
  if (old_record == OldRecord::kSetAside && fs::exists(cell.run))
    log_info(concat("moved the existing record to ", set_aside(cell.run).string()));
  else if (old_record != OldRecord::kIgnore)
    cell.finished = is_finished(spec, cell.run, cell);
  return cell;
}

std::vector<std::string> engine_command(const PreparedCell& cell, const EngineOptions& options) {
  std::vector<std::string> command = {engine_program().string(),
                                      "run",
                                      "--run-dir",
                                      cell.run.string(),
                                      "--store",
                                      cell.store.string(),
                                      "--session",
                                      options.session.empty() ? new_session() : options.session};
  for (const Extension& extension : loaded_extensions())
    command.insert(command.end(), {"--extension", extension.file.string()});
  if (is_hub_address(cell.spec.model.init))
    command.insert(command.end(), {"--initial-weights", cell.initial_weights.string()});
  if (!cell.sources.empty()) command.insert(command.end(), {"--sources", cell.sources.dump()});
  if (options.keep_checkpoint) command.emplace_back("--keep-checkpoint");
  if (options.profile) command.emplace_back("--profile");
  if (options.health != HealthLevel::kOff)
    command.insert(command.end(), {"--health", to_string(options.health)});
  if (options.checkpoint_every > 0) {
    command.emplace_back("--checkpoint-every");
    command.push_back(std::to_string(options.checkpoint_every));
  }
  if (options.price_per_hour)
    command.insert(command.end(),
                   {"--price-per-hour", json_number(*options.price_per_hour).dump()});
  if (options.records) RunDirectory(cell.run).write_spec(to_json(cell.spec));
  return command;
}

}  // namespace dtbench
