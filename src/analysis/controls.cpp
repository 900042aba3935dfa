#include "analysis/controls.h"

#include <algorithm>

#include "analysis/json_access.h"
#include "analysis/signed_rank.h"
#include "analysis/verdict_json.h"

namespace dtbench {
namespace {

// Whether `worse` fares better or worse with the control than without, seed by seed, by the signed
// rank test of each pair of scenarios; all have to say so.
Json shows(const Control& control, const Finding& with, const Finding& without, double alpha) {
  if (control.if_better.empty() && control.if_worse.empty()) return nullptr;
  if (!with.complete() || !without.complete()) return nullptr;
  Json parts = Json::array();
  bool better = true, worse = true;
  for (const auto& [name, seeds] : with.worse) {
    std::vector<Interval> differences;
    const auto others = without.worse.find(name);
    if (others == without.worse.end()) continue;
    for (const auto& [seed, here] : seeds)
      if (const auto there = others->second.find(seed); there != others->second.end())
        differences.push_back({here.low - there->second.high, here.high - there->second.low});
    const Interval interval = SignedRank(differences).interval(alpha);
    better = better && interval.low > 0;
    worse = worse && interval.high < 0;
    Json part = {{"part", name}, {"n", differences.size()}};
    put_interval(part, interval);
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return nullptr;
  return {{"said", better  ? Json(control.if_better)
                   : worse ? Json(control.if_worse)
                           : Json()},
          {"level", 1 - alpha},
          {"parts", parts}};
}

}  // namespace

std::vector<Answer> answers_of_controls(const Evidence& evidence, const std::string& policy,
                                        const Finding& main) {
  const Hypothesis& hypothesis = evidence.hypothesis();
  std::vector<Answer> answers;
  for (const Control& control : hypothesis.control) {
    const std::string& replaced =
        control.replaces.empty() ? hypothesis.contrast.policies.front() : control.replaces;
    if (replaced != policy) continue;
    const Variant variant{control.policy.empty() ? policy : control.policy, control.where};
    Judged judged = judge(findings_of(variant, evidence), hypothesis.alpha);
    std::string other_study = apart(judged.finding.conditions, main.conditions, control.where);
    if (!other_study.empty())
      judged =
          judge(std::vector{cannot_test("run in another study: " + other_study)}, hypothesis.alpha);
    Json shown = shows(control, judged.finding, main, judged.alpha);
    answers.push_back({&control, std::move(judged), std::move(shown), std::move(other_study)});
  }
  return answers;
}

Json to_json(const Answer& answer, const Hypothesis& hypothesis) {
  const Control& control = *answer.control;
  const Finding& finding = answer.judged.finding;
  return {{"control", control.name},
          {"policy", control.policy.empty() ? Json() : Json(control.policy)},
          {"where", control.where},
          {"can_confound", control.confounds},
          {"answer", to_string(answer.judged.verdict)},
          {"reason", finding.not_testable.empty() ? finding.missing : finding.not_testable},
          {"done", finding.done},
          {"interval", interval_json(answer.judged, hypothesis)},
          {"parts", parts_json(answer.judged, hypothesis)},
          {"shows", answer.shows}};
}

}  // namespace dtbench
