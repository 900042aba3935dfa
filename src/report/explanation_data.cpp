#include "report/explanation_data.h"

#include <array>
#include <filesystem>
#include <string_view>

#include "analysis/json_access.h"
#include "base/error.h"
#include "record/run_directory.h"
#include "report/explanation_words.h"

namespace dtbench {
namespace {

// The number of each step that a mechanism makes grow, and of each trial.
struct Signal {
  std::string_view mechanism;  // "": any other
  const char* title;
  const char* of_step;
  const char* of_trial;
  const char* bound;  // of explain.json; "": 1, the end of the datatype's range
};
constexpr const char* kStepTitle = "Longest step of a weight, in learning rates";
constexpr const char* kActivationTitle = "Largest activation, as a share of its datatype's range";
constexpr std::array kSignals = {
    Signal{"score_overflow", kActivationTitle, "/activations/share_of_range", "/activation_share",
           ""},
    Signal{"activation_overflow", kActivationTitle, "/activations/share_of_range",
           "/activation_share", ""},
    Signal{"gradient_overflow", "Largest gradient, as a share of its datatype's range",
           "/gradients/share_of_range", "/gradient_share", ""},
    Signal{"", kStepTitle, "/longest_step/rates", "/longest_step", "/longest_exact_step"}};

const Signal& signal_of(const Json& mechanism) {
  for (const Signal& signal : kSignals)
    if (text_or(mechanism, "") == signal.mechanism) return signal;
  return kSignals.back();
}

Json signal_json(const Json& explanation, const Signal& signal) {
  Json steps = Json::array(), values = Json::array();
  for (const Json& step : explanation.at("signals")) {
    steps.push_back(step.at("step"));
    values.push_back(member_or_null(step, signal.of_step));
  }
  const std::string_view bound = signal.bound;
  return {{"title", signal.title},
          {"step", steps},
          {"value", values},
          {"bound", bound.empty() ? Json(1) : member_or_null(explanation, signal.bound)}};
}

Json trials_json(const Json& explanation, const Signal& signal) {
  Json trials = Json::array();
  for (const Json& trial : explanation.at("trials"))
    trials.push_back({{"change", trial.at("change")},
                      {"role", trial.at("role")},
                      {"survived", trial.at("survived")},
                      {"end", trial_end(trial)},
                      {"loss", trial.at("loss")},
                      {"signal", member_or_null(trial, signal.of_trial)}});
  return trials;
}

Json of(const Json& explanation) {
  const Json& diagnoses = explanation.at("diagnoses");
  const bool diagnosed = !diagnoses.empty();
  const Json first = diagnosed ? diagnoses.at(0) : Json();
  const Signal& signal = signal_of(member_or_null(first, "/mechanism"));
  return {{"cause", explanation.at("cause")},
          {"verdict", explanation.at("verdict")},
          {"since_step", member_or_null(first, "/since_step")},
          {"replay", replay_text(explanation)},
          {"where", diagnosed ? origin_text(explanation) : ""},
          {"why", diagnosed ? cause_text(explanation) : ""},
          {"proof", explanation.at("trials").empty() ? "" : proof_text(explanation)},
          {"chain", chain_places(explanation)},
          {"signal", signal_json(explanation, signal)},
          {"window", explanation.at("window")},
          {"trials", trials_json(explanation, signal)}};
}

}  // namespace

Json explanation_data(const RunRecord& run) {
  const std::filesystem::path file = run.path / "explain.json";
  if (member_or_null(run.result, "/first_nonfinite").is_null() || !std::filesystem::exists(file))
    return nullptr;
  try {
    return of(read_json_file(file, kRecordLimits));
  } catch (const Error&) {
    return nullptr;  // it explains nothing, as in record/cause.h
  } catch (const Json::exception&) {
    return nullptr;
  }
}

}  // namespace dtbench
