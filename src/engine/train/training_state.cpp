#include "engine/train/training_state.h"

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

Json optional_number(const std::optional<double>& value) {
  return value ? json_number(*value) : Json();
}

std::optional<double> read_number(const Json& json, const char* field) {
  if (json.at(field).is_null()) return std::nullopt;
  return number_from_json(json.at(field), field);
}

Json optional_evaluation(const std::optional<Evaluation>& evaluation) {
  return evaluation ? to_json(*evaluation) : Json();
}

std::optional<Evaluation> read_evaluation(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return evaluation_from_json(json);
}

template <NamedEnum Enum>
Enum read_name(const Json& json) {
  if (const auto value = enum_from<Enum>(json.get<std::string>())) return *value;
  throw usage_error(concat("The checkpoint has an unknown name: ", json.dump(), "."),
                    "Use --rerun to retrain.");
}

std::optional<NonFiniteEvent> read_nonfinite(const Json& json) {
  if (json.is_null()) return std::nullopt;
  const auto index = [](const Json& value) {
    return value.is_null() ? std::int64_t{-1} : value.get<std::int64_t>();
  };
  const auto name = [](const Json& value) {
    return value.is_null() ? std::string() : value.get<std::string>();
  };
  return NonFiniteEvent{json.at("step"),
                        index(json.at("micro_step")),
                        read_name<Phase>(json.at("phase")),
                        read_name<NonfiniteKind>(json.at("kind")),
                        json.at("tensor"),
                        index(json.at("layer")),
                        name(json.at("operation")),
                        name(json.at("module"))};
}

}  // namespace

void TrainingState::record_step(const StepEvent& event) {
  constexpr std::int64_t kExplosion = 20;
  // A loss that overflowed in a skipped step is no measure of where the run began.
  if (!first_loss && !event.skipped) first_loss = event.loss;
  last_loss = event.loss;
  const bool high = first_loss && event.loss > 2 * *first_loss;
  steps_above_twice_first = high ? steps_above_twice_first + 1 : 0;
  if (steps_above_twice_first >= kExplosion) loss_exploded = true;
  steps_completed = event.step + 1;
}

void TrainingState::record_evaluation(const Evaluation& evaluation) {
  if (!first_evaluation) first_evaluation = evaluation;
  last_evaluation = evaluation;
  last_evaluation_step = steps_completed;
}

Json to_json(const NonFiniteEvent& event) {
  const auto name = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  return {{"step", event.step},
          {"micro_step", index_or_null(event.micro_step)},
          {"phase", to_string(event.phase)},
          {"kind", to_string(event.kind)},
          {"tensor", event.tensor},
          {"layer", index_or_null(event.layer)},
          {"operation", name(event.operation)},
          {"module", name(event.module)}};
}

Json to_json(const TrainingState& state) {
  return {{"steps_completed", state.steps_completed},
          {"first_nonfinite", state.first_nonfinite ? to_json(*state.first_nonfinite) : Json()},
          {"first_loss", optional_number(state.first_loss)},
          {"last_loss", optional_number(state.last_loss)},
          {"steps_above_twice_first", state.steps_above_twice_first},
          {"loss_exploded", state.loss_exploded},
          {"first_evaluation", optional_evaluation(state.first_evaluation)},
          {"last_evaluation", optional_evaluation(state.last_evaluation)},
          {"last_evaluation_step", state.last_evaluation_step},
          {"wall_seconds", state.wall_seconds},
          {"peak_memory", state.peak_memory}};
}

TrainingState training_state_from_json(const Json& json) {
  try {
    TrainingState state;
    state.steps_completed = json.at("steps_completed");
    state.first_nonfinite = read_nonfinite(json.at("first_nonfinite"));
    state.first_loss = read_number(json, "first_loss");
    state.last_loss = read_number(json, "last_loss");
    state.steps_above_twice_first = json.at("steps_above_twice_first");
    state.loss_exploded = json.at("loss_exploded");
    state.first_evaluation = read_evaluation(json.at("first_evaluation"));
    state.last_evaluation = read_evaluation(json.at("last_evaluation"));
    state.last_evaluation_step = json.at("last_evaluation_step");
    state.wall_seconds = json.at("wall_seconds");
    state.peak_memory = json.at("peak_memory");
    return state;
  } catch (const Json::exception& error) {
    throw usage_error(
        concat("The checkpoint's training state is not as expected: ", error.what(), "."),
        "Use --rerun to retrain.");
  }
}

}  // namespace dtbench
