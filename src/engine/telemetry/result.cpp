#include "engine/telemetry/result.h"

#include "base/clock.h"
#include "config/memory_estimate.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/disturbances.h"
#include "engine/telemetry/throughput.h"
#include "engine/telemetry/update_losses.h"
#include "engine/train/outcome.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

Json convergence(const TrainingState& state, const ConstantPredictor& constant) {
  Json json = {{"train_loss_first", number_or_null(state.first_loss)},
               {"train_loss_last", number_or_null(state.last_loss)},
               {"val_loss_constant_predictor", json_number(constant.loss)},
               {"val_loss_first", nullptr},
               {"val_loss", nullptr},
               {"f1_micro", nullptr},
               {"f1_macro", nullptr},
               {"average_precision_micro", nullptr},
               {"accuracy", nullptr},
               {"f1_micro_constant_predictor", number_or_null(constant.f1_micro)},
               {"f1_macro_constant_predictor", number_or_null(constant.f1_macro)},
               {"average_precision_micro_constant_predictor",
                number_or_null(constant.average_precision_micro)},
               {"accuracy_constant_predictor", number_or_null(constant.accuracy)}};
  if (state.first_evaluation) json["val_loss_first"] = json_number(state.first_evaluation->loss);
  if (state.last_evaluation) json.update(to_json(*state.last_evaluation));
  return json;
}

// The tensors a policy pays for beside activations, and the formula's prediction of it all.
Json tensor_bytes(const Trainer& trainer) {
  const MemoryEstimate predicted = estimate_memory(trainer.spec(), trainer.shape());
  return {{"parameters_bytes", trainer.parameters().bytes()},
          {"gradients_bytes", trainer.parameters().gradient_bytes()},
          {"optimizer_state_bytes", trainer.update().optimizer().state_bytes()},
          {"predicted",
           {{"parameters_bytes", predicted.parameters},
            {"gradients_bytes", predicted.gradients},
            {"optimizer_state_bytes", predicted.optimizer_state},
            {"activations_bytes", predicted.activations},
            {"total_bytes", predicted.total}}}};
}

// The learning rate in force at a step, and the sum of the rates of the updates before it: how far
// weights could have come.
Json rates_at(std::int64_t step, const std::vector<Json>& steps) {
  Json rate;
  double sum = 0;
  for (const Json& line : steps) {
    const auto number = line.at("step").get<std::int64_t>();
    if (number == step) rate = line.at("lr");
    if (number < step && line.at("skipped") == false) sum += line.at("lr").get<double>();
  }
  return {{"learning_rate", rate}, {"learning_rate_sum", json_number(sum)}};
}

// The steps whose times measure a whole step: a run that stops at a non-finite value gives up its
// last one half done.
std::vector<Json> whole_steps(std::vector<Json> steps, const RunSpec& spec,
                              const TrainingState& state) {
  if (state.first_nonfinite && spec.train.on_nonfinite == OnNonfinite::kStop && !steps.empty())
    steps.pop_back();
  return steps;
}

}  // namespace

Json bare_result(const RunSpec& spec, const RunEnd& end) {
  return {{"schema_version", kSchemaVersion},
          {"cell_id", cell_id(spec)},
          {"scenario", spec.scenario},
          {"policy", spec.policy.name},
          {"preset", spec.preset},
          {"seed", spec.seed},
          {"engine", to_string(spec.engine)},
          {"device", spec.device},
          {"status", to_string(end.status)},
          {"reason", end.reason},
          {"outcome", nullptr},
          {"steps_completed", 0},
          {"first_nonfinite", nullptr},
          {"started_at", end.started_at},
          {"finished_at", utc_now()},
          {"price_usd", nullptr}};
}

Json full_result(const Trainer& trainer, const TrainingState& state, const RunEnd& end,
                 const std::vector<Json>& steps, const Json& memory, const Peaks& peaks) {
  const StoreMeta& data = trainer.store().meta();
  Json result = bare_result(trainer.spec(), end);
  const StartOf weights =
      trainer.spec().model.init == "scratch" ? StartOf::kScratch : StartOf::kPretrained;
  const std::optional<Outcome> what = outcome(state, trainer.constant().loss, weights);
  if (what && is_final(end.status)) result["outcome"] = to_string(*what);
  result["steps_completed"] = state.steps_completed;
  if (state.first_nonfinite) {
    result["first_nonfinite"] = to_json(*state.first_nonfinite);
    result["first_nonfinite"].update(rates_at(state.first_nonfinite->step, steps));
  }
  result["loss_scale"] = loss_scale(steps);
  result["optimizer"] = update_losses(steps);
  const std::vector<Json> whole = whole_steps(steps, trainer.spec(), state);
  result["throughput"] = throughput(whole);
  result["mfu"] = mfu(whole, of_all(peaks, trainer.spec().train.processes));
  result["conditions"] = conditions(steps);
  result["disturbances"] = disturbances(whole, result["conditions"], result["mfu"]);
  result["memory"] = memory;
  result["memory"].update(tensor_bytes(trainer));
  result["convergence"] = convergence(state, trainer.constant());
  result["data"] = {{"name", data.name},
                    {"synthetic", data.synthetic},
                    {"fingerprint", data.fingerprint},
                    {"train_examples", trainer.batches().examples(Split::kTrain)},
                    {"val_examples", trainer.evaluation_examples()}};
  result["wall_s"] = state.wall_seconds;
  if (end.price_per_hour)
    result["price_usd"] = json_number(state.wall_seconds / 3600 * *end.price_per_hour);
  return result;
}

}  // namespace dtbench
