#include "analysis/verdicts.h"

#include <algorithm>
#include <iomanip>
#include <set>

#include "analysis/controls.h"
#include "analysis/finding.h"
#include "analysis/holm.h"
#include "base/text.h"

namespace dtbench {
namespace {

// The p-value with which a hypothesis enters its family. The two nulls exclude each other, so
// looking at both costs nothing.
double family_p(const Hypothesis& hypothesis, const Finding& finding) {
  if (!enough(hypothesis, finding)) return 1;
  return finding.p_supports <= hypothesis.alpha ? finding.p_supports : finding.p_refutes;
}

// Holm's p-value of hypothesis `which` among those of its family, with the p-values given.
double adjusted_p(const std::vector<Hypothesis>& all, std::vector<double> p_values,
                  std::size_t which) {
  std::vector<double> family;
  std::size_t place = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].family != all[which].family) continue;
    if (i == which) place = family.size();
    family.push_back(p_values[i]);
  }
  return holm(family)[place];
}

std::size_t family_size(const std::vector<Hypothesis>& all, const Hypothesis& one) {
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const Hypothesis& h) { return h.family == one.family; }));
}

struct Judgement {
  Verdict verdict;
  std::string reason;
  Json more_seeds;  // only with `undecided`; null where no number can be given
};

Judgement undecided(const Hypothesis& hypothesis, const Finding& finding) {
  const bool few = finding.seeds < hypothesis.minimum_seeds;
  std::int64_t needed = finding.seeds_needed;
  if (few) needed = std::max(needed, hypothesis.minimum_seeds);
  const Json more = needed == 0 ? Json() : Json(std::max<std::int64_t>(1, needed - finding.seeds));
  std::string reason = few ? concat(finding.seeds, " seeds, but at least ",
                                    hypothesis.minimum_seeds, " are required")
                           : concat(finding.seeds, " seeds do not show whether it holds");
  reason += more.is_null()
                ? concat("; the result is so near the bound that ", kMostSeeds,
                         " seeds might not decide it")
                : concat("; given the observed spread, about ", more.dump(), " more would");
  return {Verdict::kUndecided, reason, more};
}

Judgement judge(const Hypothesis& hypothesis, const Finding& finding, double p,
                const std::vector<Answer>& answers) {
  if (!finding.not_testable.empty()) return {Verdict::kNotTestable, finding.not_testable, Json()};
  if (!enough(hypothesis, finding) || p > hypothesis.alpha) return undecided(hypothesis, finding);
  const Verdict verdict =
      finding.p_supports <= hypothesis.alpha ? Verdict::kSupported : Verdict::kRefuted;
  std::vector<std::string> against;
  for (const Answer& answer : answers)
    if (answer.control->confounds && opposite(verdict, answer.verdict))
      against.push_back(concat("'", answer.control->name, "' (", to_string(answer.verdict), ")"));
  if (against.empty())
    return {
        verdict,
        concat(finding.seeds, " seeds; p = ", std::setprecision(2), p, " after Holm's adjustment"),
        Json()};
  return {Verdict::kConfounded,
          concat(to_string(verdict), " by itself",
                 ", but these controls say the opposite: ", join(against, ", ")),
          Json()};
}

// Records of the contrast's scenarios and policies that are left out, by why.
Json left_out(const Hypothesis& hypothesis, const std::string& policy, const Pairing& pairing,
              const Cells& cells) {
  const Contrast& contrast = hypothesis.contrast;
  std::set<std::string> scenarios(contrast.better.begin(), contrast.better.end());
  scenarios.insert(contrast.worse.begin(), contrast.worse.end());
  std::set<std::string> policies(contrast.safe_policies.begin(), contrast.safe_policies.end());
  policies.insert({policy, kReferencePolicy});
  Json counts = Json::object();
  const auto add = [&](const Json& scenario, const Json& which, const std::string& why) {
    if (!scenario.is_string() || !which.is_string()) return;
    if (scenarios.contains(scenario) && policies.contains(which))
      counts[why] = counts.value(why, 0) + 1;
  };
  for (const ExcludedCell& cell : cells.excluded)
    add(cell.scenario, cell.policy, to_string(cell.why));
  for (const Unpaired& each : pairing.unpaired)
    add(each.cell->scenario, each.cell->policy, "unpaired");
  return counts;
}

Json caveats(const Hypothesis& hypothesis, const Finding& finding,
             const std::vector<Answer>& answers) {
  Json list = Json::array();
  if (!finding.not_testable.empty()) return list;
  if (finding.synthetic)
    list.push_back("the data is generated, so this says nothing about real text");
  if (hypothesis.estimand == Estimand::kSpeedup)
    for (const auto& [scenario, evidence] : finding.evidence.at("scenarios").items())
      if (const Json& disturbed = evidence.at("disturbed_pairs"); disturbed > 0)
        list.push_back(
            concat("pairs on ", scenario, " with disturbed timings: ", disturbed.dump()));
  std::vector<std::string> absent;
  for (const Answer& answer : answers)
    if (answer.control->confounds && !answer.finding.not_testable.empty())
      absent.push_back(concat("'", answer.control->name, "'"));
  if (!absent.empty())
    list.push_back(
        concat("controls without an answer, which could not object: ", join(absent, ", ")));
  return list;
}

class Judge {
 public:
  Judge(const std::vector<Hypothesis>& hypotheses, const Pairing& pairing, const Cells& cells)
      : hypotheses_(hypotheses), pairing_(pairing), cells_(cells) {
    for (const Hypothesis& hypothesis : hypotheses)
      p_values_.push_back(
          family_p(hypothesis, finding_on(hypothesis, hypothesis.contrast.policies[0])));
  }

  Json all() const {
    Json list = Json::array();
    for (std::size_t i = 0; i < hypotheses_.size(); ++i) {
      const std::vector<std::string>& policies = hypotheses_[i].contrast.policies;
      Json one = verdict(i, policies.front());
      one["separately"] = Json::array();
      for (std::size_t other = 1; other < policies.size(); ++other)
        one["separately"].push_back(verdict(i, policies[other]));
      list.push_back(std::move(one));
    }
    return list;
  }

 private:
  Finding finding_on(const Hypothesis& hypothesis, const std::string& policy) const {
    const double planned =
        hypothesis.alpha / static_cast<double>(family_size(hypotheses_, hypothesis));
    return finding(hypothesis, {policy, hypothesis.where}, pairing_, planned);
  }

  Json verdict(std::size_t which, const std::string& policy) const {
    const Hypothesis& hypothesis = hypotheses_[which];
    const Finding main = finding_on(hypothesis, policy);
    std::vector<double> p_values = p_values_;
    p_values[which] = family_p(hypothesis, main);
    const double p = adjusted_p(hypotheses_, p_values, which);
    const std::vector<Answer> answers = answers_of_controls(hypothesis, policy, pairing_);
    const Judgement judgement = judge(hypothesis, main, p, answers);
    const bool testable = main.not_testable.empty();
    Json json = {{"hypothesis", hypothesis.name},
                 {"title", hypothesis.title},
                 {"claim", hypothesis.claim},
                 {"estimand", to_string(hypothesis.estimand)},
                 {"margin", hypothesis.margin},
                 {"alpha", hypothesis.alpha},
                 {"family", hypothesis.family},
                 {"policy", policy},
                 {"verdict", to_string(judgement.verdict)},
                 {"reason", judgement.reason},
                 {"seeds", main.seeds},
                 {"minimum_seeds", hypothesis.minimum_seeds},
                 {"more_seeds", judgement.more_seeds},
                 {"p_supports", testable ? Json(main.p_supports) : Json()},
                 {"p_refutes", testable ? Json(main.p_refutes) : Json()},
                 {"p_holm", testable ? Json(p) : Json()},
                 {"evidence", main.evidence},
                 {"controls", Json::array()},
                 {"left_out", left_out(hypothesis, policy, pairing_, cells_)},
                 {"caveats", caveats(hypothesis, main, answers)}};
    for (const Answer& answer : answers)
      json["controls"].push_back(to_json(answer, main, hypothesis.alpha));
    return json;
  }

  const std::vector<Hypothesis>& hypotheses_;
  const Pairing& pairing_;
  const Cells& cells_;
  std::vector<double> p_values_;
};

}  // namespace

Json verdicts(const std::vector<Hypothesis>& hypotheses, const Pairing& pairing,
              const Cells& cells) {
  return Judge(hypotheses, pairing, cells).all();
}

}  // namespace dtbench
