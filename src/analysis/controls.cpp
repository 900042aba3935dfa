#include "analysis/controls.h"

#include <array>

#include "analysis/fisher.h"
#include "config/fields.h"

namespace dtbench {
namespace {

constexpr std::array kVerdicts = {
    EnumName{Verdict::kSupported, "supported"}, EnumName{Verdict::kRefuted, "refuted"},
    EnumName{Verdict::kUndecided, "undecided"}, EnumName{Verdict::kConfounded, "confounded"},
    EnumName{Verdict::kNotTestable, "not_testable"}};

// The control's settings take the place of the contrast's on the scenarios that it names.
Json merged(const Json& where, const Json& changes) {
  Json all = where;
  for (const auto& [scenario, settings] : changes.items())
    all[scenario] = settings;
  return all;
}

Verdict verdict_alone(const Hypothesis& hypothesis, const Finding& finding) {
  if (!finding.not_testable.empty()) return Verdict::kNotTestable;
  if (!enough(hypothesis, finding)) return Verdict::kUndecided;
  if (finding.p_supports <= hypothesis.alpha) return Verdict::kSupported;
  return finding.p_refutes <= hypothesis.alpha ? Verdict::kRefuted : Verdict::kUndecided;
}

Proportion on_worse(const Finding& finding) {
  const Json& side = finding.evidence.at("worse");
  return {side.at("survived").get<std::int64_t>(), side.at("n").get<std::int64_t>()};
}

// What it means that more or fewer survive on `worse` than without the control, where that is shown
// (Fisher's exact test); null where it is not.
Json shows(const Answer& answer, const Finding& main, double alpha) {
  const Control& control = *answer.control;
  if (control.if_better.empty() && control.if_worse.empty()) return nullptr;
  if (!answer.finding.not_testable.empty() || !main.not_testable.empty()) return nullptr;
  const Proportion with = on_worse(answer.finding), without = on_worse(main);
  const double p = fisher_exact(with, without);
  Json said;
  if (p <= alpha) said = with.share() > without.share() ? control.if_better : control.if_worse;
  return {{"said", said},
          {"fisher_exact_p", p},
          {"survived", with.successes},
          {"n", with.n},
          {"survived_without", without.successes},
          {"n_without", without.n}};
}

}  // namespace

static std::span<const EnumName<Verdict>> names_of(Verdict) {
  return kVerdicts;
}

const char* to_string(Verdict value) {
  return enum_name(value);
}

bool opposite(Verdict a, Verdict b) {
  return (a == Verdict::kSupported && b == Verdict::kRefuted) ||
         (a == Verdict::kRefuted && b == Verdict::kSupported);
}

bool enough(const Hypothesis& hypothesis, const Finding& finding) {
  return finding.not_testable.empty() && finding.seeds >= hypothesis.minimum_seeds;
}

std::vector<Answer> answers_of_controls(const Hypothesis& hypothesis, const std::string& policy,
                                        const Pairing& pairing) {
  std::vector<Answer> answers;
  for (const Control& control : hypothesis.control) {
    const std::string& replaced =
        control.replaces.empty() ? hypothesis.contrast.policies.front() : control.replaces;
    if (replaced != policy) continue;
    const Variant variant{control.policy.empty() ? policy : control.policy,
                          merged(hypothesis.where, control.where), true};
    Finding alone = finding(hypothesis, variant, pairing, hypothesis.alpha);
    const Verdict verdict = verdict_alone(hypothesis, alone);
    answers.push_back({&control, std::move(alone), verdict});
  }
  return answers;
}

Json to_json(const Answer& answer, const Finding& main, double alpha) {
  const Control& control = *answer.control;
  const bool testable = answer.finding.not_testable.empty();
  return {{"control", control.name},
          {"policy", control.policy.empty() ? Json() : Json(control.policy)},
          {"where", control.where},
          {"can_confound", control.confounds},
          {"answer", to_string(answer.verdict)},
          {"reason", answer.finding.not_testable},
          {"seeds", answer.finding.seeds},
          {"p_supports", testable ? Json(answer.finding.p_supports) : Json()},
          {"p_refutes", testable ? Json(answer.finding.p_refutes) : Json()},
          {"evidence", answer.finding.evidence},
          {"shows", shows(answer, main, alpha)}};
}

}  // namespace dtbench
