#include "engine/forensics/explain.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/forensics/explanation_json.h"
#include "engine/forensics/inquiry.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "record/run_directory.h"
#include "record/status.h"

namespace dtbench {
namespace {

FirstNonfinite fatal_event(const RunRecord& record) {
  const auto result = read_result(record.result);
  if (!result || !is_final(result->status))
    throw usage_error(concat("The run '", record.path.string(), "' has not ended."),
                      "Run it to its end first; it resumes where it stopped.");
  if (!result->first_nonfinite)
    throw usage_error(
        concat("The run '", record.path.string(), "' stayed finite: there is no death to explain."),
        "'dtbench show' shows its outcome.");
  return *result->first_nonfinite;
}

}  // namespace

Json explain(const ExplainOptions& options) {
  const RunRecord record = read_run(options.run_directory);
  if (record.damage)
    throw usage_error(concat("The record '", options.run_directory.string(),
                             "' is damaged: ", *record.damage, "."));
  const FirstNonfinite fatal = fatal_event(record);
  const RunSpec spec =
      run_spec_from_json(record.spec, (options.run_directory / "spec.json").string());
  set_float32_precision(spec.policy.tf32);
  const DeviceChoice choice = choose_device(spec.device);
  if (choice.unavailable)
    throw usage_error(concat("The run was on ", spec.device, ": ", *choice.unavailable),
                      "Explain it on a machine with such a device.");
  const TokenStore store(options.store);
  Json json = to_json(inquire(
      {spec, read_lines(options.run_directory / "steps.jsonl"), fatal.step, options.replays},
      {store, choice.device, options.initial_weights}));
  json["cell_id"] = cell_id(spec);
  json["scenario"] = spec.scenario;
  json["policy"] = spec.policy.name;
  write_file_atomically(options.run_directory / "explain.json", json_text(json, 1) + "\n");
  return json;
}

}  // namespace dtbench
