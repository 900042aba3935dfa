#include <filesystem>
#include <iostream>
#include <memory>

#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/explanation_text.h"
#include "cli/find_run.h"
#include "config/extension.h"
#include "config/hub_address.h"
#include "record/run_directory.h"
#include "sweep/prepared_cell.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

struct ExplainRequest {
  std::string run;
  std::string out = "runs";
  std::int64_t replays = 10;
  bool again = false;
  bool json = false;
};

// The data and weights that the run was trained on, prepared as for training it.
PreparedCell prepared(const fs::path& run) {
  const RunRecord record = read_run(run, RecordFiles::kSpecAndResult);
  if (record.spec.is_null())
    throw usage_error(concat("'", run.string(), "' is not a run: it holds no spec.json."),
                      "'dtbench list' lists the runs.");
  const RunSpec spec = run_spec_from_json(record.spec, (run / "spec.json").string());
  if (run.filename() != cell_id(spec))
    throw usage_error(
        concat("The folder '", run.string(), "' is not named after its cell, ", cell_id(spec), "."),
        "Give it that name back.");
  return prepare_cell(spec, run.parent_path(), configs_folder(), OldRecord::kGoOn);
}

void ask_engine(const ExplainRequest& request, const fs::path& run) {
  const PreparedCell cell = prepared(run);
  std::vector<std::string> command = {engine_program().string(),
                                      "explain",
                                      "--run-dir",
                                      run.string(),
                                      "--store",
                                      cell.store.string(),
                                      "--replays",
                                      std::to_string(request.replays)};
  for (const Extension& extension : loaded_extensions())
    command.insert(command.end(), {"--extension", extension.file.string()});
  if (is_hub_address(cell.spec.model.init))
    command.insert(command.end(), {"--initial-weights", cell.initial_weights.string()});
  const ChildOutput child = run_child(command);
  if (child.status != 0) throw Ended{static_cast<ExitCode>(child.status)};
}

void explain_run(const ExplainRequest& request) {
  fs::path run = find_run(request.run, request.out);
  if (run.filename().empty()) run = run.parent_path();  // "runs/0123/"
  const fs::path file = run / "explain.json";
  if (request.again || !fs::exists(file))
    ask_engine(request, run);
  else
    log_info(concat("from ", file.string(), "; --again replays the cell"));
  const Json explanation = read_json_file(file);
  if (request.json)
    std::cout << json_text(explanation, 1) << '\n';
  else
    std::cout << explanation_text(explanation);
}

}  // namespace

void add_explain_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "explain", "say why a run died: where, by which mechanism, proved by interventions");
  const auto request = std::make_shared<ExplainRequest>();
  command->add_option("run", request->run, "cell id, its beginning, or a run's folder")->required();
  command->add_option("--out", request->out, "root folder of records (default: runs)");
  command
      ->add_option("--replays", request->replays,
                   "replays with initial weights moved by one ulp (default: 10); 0: no proof")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1000}));
  command->add_flag("--again", request->again, "replay even where explain.json is there");
  command->add_flag("--json", request->json, "print explain.json");
  command->callback([request] { explain_run(*request); });
}

}  // namespace dtbench
