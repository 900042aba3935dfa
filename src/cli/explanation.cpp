#include "cli/explanation.h"

#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/places.h"
#include "base/text.h"
#include "cli/commands.h"
#include "config/extension.h"
#include "config/hub_address.h"
#include "record/run_directory.h"
#include "sweep/prepared_cell.h"

namespace dtbench {

namespace fs = std::filesystem;

std::string ask_engine(const std::string& command, const fs::path& run,
                       const std::vector<std::string>& options) {
  // The data and weights that the run was trained on, prepared as for training it.
  const PreparedCell cell =
      prepare_cell(spec_of_run(run), run.parent_path(), configs_folder(), OldRecord::kGoOn);
  std::vector<std::string> line = {
      engine_program().string(), command, "--run-dir", run.string(), "--store",
      cell.store.string()};
  line.insert(line.end(), options.begin(), options.end());
  for (const Extension& extension : loaded_extensions())
    line.insert(line.end(), {"--extension", extension.file.string()});
  if (is_hub_address(cell.spec.model.init))
    line.insert(line.end(), {"--initial-weights", cell.initial_weights.string()});
  const ChildOutput child = run_child(line);
  if (child.status != 0) throw Ended{static_cast<ExitCode>(child.status)};
  return child.output;
}

RunSpec spec_of_run(const fs::path& run) {
  const RunRecord record = read_run(run, RecordFiles::kSpecAndResult);
  if (record.spec.is_null())
    throw usage_error(concat("'", run.string(), "' is not a run: it holds no spec.json."),
                      "'dtbench list' lists the runs.");
  RunSpec spec = run_spec_from_json(record.spec, (run / "spec.json").string());
  if (run.filename() != cell_id(spec))
    throw usage_error(
        concat("The folder '", run.string(), "' is not named after its cell, ", cell_id(spec), "."),
        "Give it that name back.");
  return spec;
}

Json explanation_of(const ExplanationRequest& request) {
  const fs::path file = request.run / "explain.json";
  if (!request.again && fs::exists(file)) {
    Json known = read_json_file(file);
    // A run that dies leaves a diagnosis by itself; a proof takes an order.
    if (request.replays == 0 || known.at("verdict") != "diagnosed") {
      log_info(concat("from ", file.string(), "; --again replays the cell"));
      return known;
    }
  }
  ask_engine("explain", request.run, {"--replays", std::to_string(request.replays)});
  return read_json_file(file);
}

}  // namespace dtbench
