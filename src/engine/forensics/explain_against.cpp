#include "engine/forensics/explain_against.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/forensics/shadow.h"
#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/support.h"
#include "engine/train/training_state.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

ShadowSide side_of(const RunSpec& spec) {
  const DeviceChoice choice = choose_device(spec.device);
  if (choice.unavailable)
    throw usage_error(concat(spec.policy.name, " is on ", spec.device, ": ", *choice.unavailable),
                      "Compare them on a machine with such a device.");
  if (const auto reason = unsupported(spec, choice.device))
    throw Error(ExitCode::kPermanent,
                concat(spec.policy.name, " cannot be computed here: ", *reason));
  return {spec, choice.device};
}

// TF32 is a switch of the whole process.
void refuse_tf32(const RunSpec& spec) {
  if (!spec.policy.tf32) return;
  throw usage_error(concat(spec.policy.name,
                           " computes in TF32, which has no shadow: the switch "
                           "holds for a whole process."),
                    "Compare policies without TF32.");
}

Json to_json(const RecordedNode& node, const ShadowPlace& place) {
  return {{"phase", to_string(node.phase)},
          {"operation", node.operation},
          {"module", node.module},
          {"layer", index_or_null(node.layer)},
          {"result", place.result},
          {"apart", number_or_null(place.apart)},
          {"error", number_or_null(place.error)},
          {"bound", number_or_null(place.bound)},
          {"above", place.above()},
          {"flushed", place.flushed},
          {"nonfinite", place.nonfinite}};
}

Json to_json(const StepEvent& event, const std::optional<NonFiniteEvent>& nonfinite) {
  return {{"loss", json_number(event.loss)},
          {"grad_norm", json_number(event.grad_norm)},
          {"loss_scale", number_or_null(event.loss_scale)},
          {"skipped", event.skipped},
          {"nonfinite", nonfinite ? to_json(*nonfinite) : Json()}};
}

Json to_json(const ShadowStep& step) {
  Json places = Json::array(), layers = Json::array();
  for (std::size_t i = 0; i < step.nodes.size(); ++i)
    places.push_back(to_json(step.nodes[i], step.places[i]));
  for (const double drift : step.drift_by_layer)
    layers.push_back(json_number(drift));
  return {{"step", step.run.step},
          {"run", to_json(step.run, step.run_nonfinite)},
          {"against", to_json(step.other, step.other_nonfinite)},
          {"drift",
           {{"all", json_number(step.drift)},
            {"outside_layers", json_number(step.drift_outside)},
            {"layers", layers}}},
          {"places", places}};
}

// The first in the order of execution; null: none.
Json first_above(const Json& steps) {
  for (const Json& step : steps)
    for (const Json& place : step.at("places")) {
      if (!place.at("above").get<bool>()) continue;
      Json first = place;
      first["step"] = step.at("step");
      return first;
    }
  return nullptr;
}

Json side_json(const RunSpec& spec) {
  return {{"policy", spec.policy.name}, {"device", spec.device}, {"cell_id", cell_id(spec)}};
}

}  // namespace

Json explain_against(const ShadowOptions& options) {
  const RunRecord record = read_run(options.run_directory, RecordFiles::kSpecAndResult);
  const RunSpec run =
      run_spec_from_json(record.spec, (options.run_directory / "spec.json").string());
  const RunSpec other = run_spec_from_json(options.against, "--against");
  if (options.from >= run.train.steps)
    throw usage_error(
        concat("The run has ", run.train.steps, " steps; there is no step ", options.from, "."));
  for (const RunSpec* spec : {&run, &other})
    refuse_tf32(*spec);
  set_float32_precision(/*tf32=*/false);
  const TokenStore store(options.store);
  Shadow shadow(side_of(run), side_of(other), store, options.initial_weights);
  shadow.go_to(options.from, options.run_directory / "checkpoint");

  const std::int64_t end = std::min(run.train.steps, options.from + options.steps);
  Json steps = Json::array();
  std::int64_t kept_bytes = 0;
  while (shadow.steps() < end) {
    const ShadowStep step = shadow.step();
    steps.push_back(to_json(step));
    kept_bytes = std::max(kept_bytes, step.kept_bytes);
    if (step.run_nonfinite || step.other_nonfinite) break;
  }
  return {{"schema_version", 1},      {"scenario", run.scenario},
          {"run", side_json(run)},    {"against", side_json(other)},
          {"from", options.from},     {"first_above", first_above(steps)},
          {"kept_bytes", kept_bytes}, {"steps", steps}};
}

}  // namespace dtbench
