#include "engine/forensics/explanation_json.h"

#include "engine/train/training_state.h"

namespace dtbench {
namespace {

Json to_json(const Origin& origin) {
  Json operands = Json::array();
  for (const Operand& operand : origin.operands)
    operands.push_back({{"role", operand.role},
                        {"datatype", operand.datatype},
                        {"largest", json_number(operand.largest)}});
  return {{"phase", to_string(origin.phase)},
          {"operation", origin.operation},
          {"module", origin.module},
          {"layer", index_or_null(origin.layer)},
          {"datatype", origin.datatype},
          {"datatype_largest", origin.largest_finite},
          {"shape", origin.shape},
          {"element", origin.element},
          {"value", origin.value},
          {"exact", number_or_null(origin.exact)},
          {"operands", operands}};
}

Json to_json(const std::vector<Place>& chain) {
  Json places = Json::array();
  for (const Place& place : chain)
    places.push_back({{"phase", to_string(place.phase)},
                      {"operation", place.operation},
                      {"module", place.module}});
  return places;
}

Json to_json(const LongestStep& step) {
  return {{"rates", json_number(step.rates)},
          {"parameter", step.parameter},
          {"layer", index_or_null(step.layer)},
          {"element", step.element},
          {"weight_before", json_number(step.weight_before)},
          {"weight_after", json_number(step.weight_after)},
          {"gradient", json_number(step.gradient)},
          {"exp_avg_before", json_number(step.exp_avg_before)},
          {"exp_avg", json_number(step.exp_avg)},
          {"exp_avg_sq_before", json_number(step.exp_avg_sq_before)},
          {"exp_avg_sq", json_number(step.exp_avg_sq)},
          {"states", step.states},
          {"updates", step.updates}};
}

Json to_json(const Headroom& headroom) {
  return {{"largest", headroom.largest},
          {"share_of_range", headroom.share},
          {"operation", headroom.operation},
          {"module", headroom.module}};
}

Json to_json(const StepSignals& signals) {
  Json json = {{"step", signals.event.step},
               {"loss", json_number(signals.event.loss)},
               {"grad_norm", json_number(signals.event.grad_norm)},
               {"learning_rate", signals.event.learning_rate},
               {"skipped", signals.event.skipped},
               {"activations", to_json(signals.activations)},
               {"gradients", to_json(signals.gradients)},
               {"longest_step", nullptr},
               {"flushed_share", nullptr}};
  if (!signals.update) return json;
  json["longest_step"] = to_json(signals.update->longest);
  json["flushed_share"] = signals.update->flushed_share;
  return json;
}

Json to_json(const Trial& trial, Mechanism mechanism) {
  const Intervention& intervention = trial.intervention;
  return {{"id", intervention.id},
          {"change", intervention.change},
          {"policy", to_json(intervention.spec.policy)},
          {"role", to_string(role_of(intervention, mechanism))},
          {"survived", trial.end.survived()},
          {"steps", trial.end.steps},
          {"skipped", trial.end.skipped},
          {"nonfinite", trial.end.nonfinite.has_value()},
          {"loss", json_number(trial.end.last_loss)},
          {"longest_step", json_number(trial.longest_step)},
          {"flushed_share", trial.flushed_share},
          {"activation_share", trial.activation_share},
          {"gradient_share", trial.gradient_share}};
}

Json to_json(const Proof& proof) {
  return {{"replays", proof.replays},
          {"unchanged_died", proof.unchanged_died},
          {"change", proof.change},
          {"change_survived", proof.change_survived},
          {"against", proof.against}};
}

Json to_json(const std::vector<Diagnosis>& diagnoses) {
  Json json = Json::array();
  for (const Diagnosis& diagnosis : diagnoses)
    json.push_back({{"mechanism", to_string(diagnosis.mechanism)},
                    {"cause", cause_in_words(diagnosis.mechanism)},
                    {"since_step", diagnosis.since_step},
                    {"text", diagnosis.text}});
  return json;
}

}  // namespace

const char* verdict_of(const Explanation& explanation) {
  if (!explanation.step_repeats) return "unrepeatable";
  if (!explanation.evidence.nonfinite) return "vanished";
  if (explanation.trials.empty()) return "diagnosed";
  if (explanation.proof.change.empty()) return "unexplained";
  return explanation.proof.proved() ? "proved" : "consistent";
}

Json to_json(const Explanation& explanation) {
  const ReplayEvidence& evidence = explanation.evidence;
  const Mechanism mechanism =
      explanation.diagnoses.empty() ? Mechanism::kUnknown : explanation.diagnoses.front().mechanism;
  Json signals = Json::array(), trials = Json::array();
  for (const StepSignals& step : evidence.steps)
    signals.push_back(to_json(step));
  for (const Trial& trial : explanation.trials)
    trials.push_back(to_json(trial, mechanism));
  const TrainSpec& train = evidence.spec.train;
  return {{"schema_version", 1},
          {"verdict", verdict_of(explanation)},
          {"cause", cause_in_words(mechanism)},
          {"replay",
           {{"steps", evidence.steps.size()},
            {"steps_equal", explanation.steps_equal},
            {"differs", explanation.differs},
            {"step_repeats", explanation.step_repeats}}},
          {"first_nonfinite", evidence.nonfinite ? to_json(*evidence.nonfinite) : Json()},
          {"origin", evidence.origin ? to_json(*evidence.origin) : Json()},
          {"chain", to_json(evidence.chain)},
          {"diagnoses", to_json(explanation.diagnoses)},
          {"longest_exact_step", longest_exact_step(train.beta1, train.beta2)},
          {"signals", signals},
          {"window", explanation.window},
          {"trials", trials},
          {"proof", to_json(explanation.proof)}};
}

}  // namespace dtbench
