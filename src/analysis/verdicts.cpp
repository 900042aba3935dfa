#include "analysis/verdicts.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <set>

#include "analysis/controls.h"
#include "analysis/looks.h"
#include "analysis/plan_json.h"
#include "analysis/verdict_json.h"
#include "base/text.h"

namespace dtbench {
namespace {

// Holm's step-down rule by intervals: the level that each hypothesis of a family is judged at. The
// first in the order of their p-values at alpha over their number, each after one that is decided
// at alpha over those that are left.
std::vector<double> levels(const std::vector<const std::vector<Finding>*>& family, double alpha) {
  std::vector<double> p_values, level(family.size(), 0.0);
  for (const std::vector<Finding>* looks : family)
    p_values.push_back(p_value(*looks));
  std::set<std::size_t> open;
  for (std::size_t i = 0; i < family.size(); ++i)
    open.insert(i);
  while (!open.empty()) {
    const double next = alpha / static_cast<double>(open.size());
    std::optional<std::size_t> decided;
    for (const std::size_t i : open)
      if (decides(*family[i], next) && (!decided || p_values[i] < p_values[*decided])) decided = i;
    if (!decided) {
      for (const std::size_t i : open)
        level[i] = next;
      break;
    }
    level[*decided] = next;
    open.erase(*decided);
  }
  return level;
}

std::string names(const std::vector<const Answer*>& answers, bool with_verdict) {
  std::vector<std::string> parts;
  for (const Answer* answer : answers)
    parts.push_back(concat("'", answer->control->name, "'",
                           with_verdict ? concat(" (", to_string(answer->judged.verdict), ")")
                           : answer->other_study.empty()
                               ? std::string()
                               : concat(" (run in another study: ", answer->other_study, ")")));
  return join(parts, ", ");
}

struct Judgement {
  Verdict verdict;
  std::string reason;
};

std::string against_threshold(const Judged& judged, const Hypothesis& hypothesis) {
  const Json threshold = interval_json(judged, hypothesis).at("threshold");
  const Side side = side_of(judged.interval, judged.finding.threshold);
  std::string text = concat(
      judged.finding.parts.size() > 1 ? "the part that holds least: " : "",
      interval_words(judged, hypothesis),
      side == Side::kAcross ? " holds the threshold " : concat(" lies ", to_string(side), " "),
      formatted("%.3g", threshold.get<double>()), ", at ", judged.finding.look, " ",
      hypothesis.unit());
  if (disagree(judged.finding.parts, judged.finding.threshold, judged.alpha)) {
    std::vector<std::string> parts;
    for (const Part& part : judged.finding.parts)
      parts.push_back(
          concat(part.name, " ",
                 to_string(side_of(part.interval(judged.alpha), judged.finding.threshold))));
    text += concat("; the parts disagree: ", join(parts, ", "));
  }
  return text;
}

// Controls heard: one that says the opposite confounds, one that was not run leaves it
// uncontrolled.
Judgement judgement_of(const Judged& judged, const Hypothesis& hypothesis,
                       const std::vector<Answer>& answers) {
  const Finding& finding = judged.finding;
  if (judged.verdict == Verdict::kNotTestable) return {judged.verdict, finding.not_testable};
  if (judged.verdict == Verdict::kInterim)
    return {judged.verdict,
            concat(finding.done, " of ", finding.look, " planned ", hypothesis.unit(),
                   ", and none is judged before; missing: ", finding.missing)};
  const std::string reason = against_threshold(judged, hypothesis);
  if (judged.verdict == Verdict::kUndecided) return {judged.verdict, reason};
  const Verdict opposite =
      judged.verdict == Verdict::kSupported ? Verdict::kRefuted : Verdict::kSupported;
  std::vector<const Answer*> against, absent;
  for (const Answer& answer : answers) {
    if (!answer.control->confounds) continue;
    if (answer.judged.verdict == opposite) against.push_back(&answer);
    if (!answer.was_run()) absent.push_back(&answer);
  }
  if (!against.empty())
    return {Verdict::kConfounded,
            concat("by itself ", to_string(judged.verdict),
                   ", but these controls say the opposite: ", names(against, true), "; ", reason)};
  if (judged.verdict == Verdict::kSupported && !absent.empty())
    return {
        Verdict::kUncontrolled,
        concat(reason, "; controls that were not run could not object: ", names(absent, false))};
  return {judged.verdict, reason};
}

// Records of the contrast's scenarios and policies that are left out, by why.
Json left_out(const Hypothesis& hypothesis, const std::string& policy, const Pairing& pairing,
              const Cells& cells) {
  const Contrast& contrast = hypothesis.contrast;
  const std::vector<std::string> scenarios = scenarios_of(hypothesis);
  std::set<std::string> policies(contrast.safe_policies.begin(), contrast.safe_policies.end());
  policies.insert({policy, kReferencePolicy});
  Json counts = Json::object();
  const auto concerned = [&](const Json& scenario, const Json& which) {
    return scenario.is_string() && which.is_string() && policies.contains(which) &&
           std::find(scenarios.begin(), scenarios.end(), scenario.get<std::string>()) !=
               scenarios.end();
  };
  const auto add = [&](const std::string& why) { counts[why] = counts.value(why, 0) + 1; };
  for (const ExcludedCell& cell : cells.excluded)
    if (concerned(cell.scenario, cell.policy)) add(to_string(cell.why));
  for (const Unpaired& each : pairing.unpaired)
    if (concerned(each.cell->scenario, each.cell->policy)) add("unpaired");
  if (hypothesis.seeds == 0) return counts;
  for (const Cell& cell : cells.used)
    if (concerned(cell.scenario, cell.policy) &&
        (cell.seed < hypothesis.first_seed ||
         cell.seed >= hypothesis.first_seed + hypothesis.seeds))
      add("seed_not_planned");
  return counts;
}

Json caveats(const Finding& finding, Verdict verdict, const std::vector<Answer>& answers) {
  Json list = Json::array();
  if (!finding.not_testable.empty()) return list;
  if (finding.synthetic) list.push_back("the data is generated, so this says nothing of real text");
  for (const std::string& caveat : finding.caveats)
    list.push_back(caveat);
  std::vector<const Answer*> absent;
  for (const Answer& answer : answers)
    if (answer.control->confounds && !answer.was_run()) absent.push_back(&answer);
  if (!absent.empty() && verdict != Verdict::kUncontrolled)
    list.push_back(concat("controls that were not run: ", names(absent, false)));
  return list;
}

// The cells that count for one hypothesis, and their pairs.
struct OwnCells {
  Cells cells;
  Pairing pairing;  // points into `cells`
};

// Null where no study says what a cell is for: then all count for every hypothesis.
std::unique_ptr<const OwnCells> own_cells(const Hypothesis& hypothesis, const Cells& all) {
  const auto of_a_study = [](const Cell& cell) { return cell.study.has_value(); };
  if (std::none_of(all.used.begin(), all.used.end(), of_a_study)) return nullptr;
  const auto counts = [&](const Cell& cell) { return cell.counts_for(hypothesis.name); };
  auto own = std::make_unique<OwnCells>();
  std::copy_if(all.used.begin(), all.used.end(), std::back_inserter(own->cells.used), counts);
  std::copy_if(all.repeats.begin(), all.repeats.end(), std::back_inserter(own->cells.repeats),
               counts);
  own->cells.excluded = all.excluded;
  own->pairing = pair_with_reference(own->cells.used);
  return own;
}

// Of the cells that a study trained for it: how many under the file's present text, how many under
// another.
Json rule_json(const Hypothesis& hypothesis, const Cells& cells) {
  std::size_t same = 0, other = 0;
  for (const Cell& cell : cells.used) {
    if (!cell.study) continue;
    const auto rule = cell.study->rules.find(hypothesis.name);
    if (rule == cell.study->rules.end()) continue;
    ++(rule->second == hypothesis.sha256 ? same : other);
  }
  return {{"sha256", hypothesis.sha256.empty() ? Json() : Json(hypothesis.sha256)},
          {"cells_under_this_text", same},
          {"cells_under_another", other}};
}

class Judge {
 public:
  Judge(const std::vector<Hypothesis>& hypotheses, const Pairing& pairing, const Cells& cells)
      : hypotheses_(hypotheses), pairing_(pairing), cells_(cells) {
    for (const Hypothesis& hypothesis : hypotheses) {
      own_.push_back(own_cells(hypothesis, cells));
      findings_.push_back(looks_at(own_.size() - 1, hypothesis.contrast.policies[0]));
      // Of one look, at the first place of Holm's order.
      powers_.push_back(planned_power(
          hypothesis, hypothesis.alpha / static_cast<double>(family_size(hypotheses, hypothesis)) /
                          static_cast<double>(hypothesis.planned_looks().size())));
    }
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
  const Pairing& pairing(std::size_t which) const {
    return own_[which] ? own_[which]->pairing : pairing_;
  }
  const Cells& cells(std::size_t which) const { return own_[which] ? own_[which]->cells : cells_; }
  Evidence evidence(std::size_t which) const {
    return {hypotheses_[which], pairing(which), cells(which)};
  }

  std::vector<Finding> looks_at(std::size_t which, const std::string& policy) const {
    return findings_of({policy, Json::object()}, evidence(which));
  }

  // Holm's level of a hypothesis among its family, with `looks` in its place.
  double level_of(std::size_t which, const std::vector<Finding>& looks) const {
    std::vector<const std::vector<Finding>*> family;
    std::size_t place = 0;
    for (std::size_t i = 0; i < hypotheses_.size(); ++i) {
      if (hypotheses_[i].family != hypotheses_[which].family) continue;
      if (i == which) place = family.size();
      family.push_back(i == which ? &looks : &findings_[i]);
    }
    return levels(family, hypotheses_[which].alpha)[place];
  }

  Json verdict(std::size_t which, const std::string& policy) const {
    const Hypothesis& hypothesis = hypotheses_[which];
    const bool is_first = policy == hypothesis.contrast.policies.front();
    const std::vector<Finding> looks = is_first ? findings_[which] : looks_at(which, policy);
    const Judged judged = judge(looks, level_of(which, looks));
    const std::vector<Answer> answers =
        answers_of_controls(evidence(which), policy, judged.finding);
    const Judgement judgement = judgement_of(judged, hypothesis, answers);
    const bool testable = judged.finding.not_testable.empty();
    Json json = {{"hypothesis", hypothesis.name},
                 {"title", hypothesis.title},
                 {"claim", hypothesis.claim},
                 {"estimand", to_string(hypothesis.estimand)},
                 {"alpha", hypothesis.alpha},
                 {"family", hypothesis.family},
                 {"policy", policy},
                 {"verdict", to_string(judgement.verdict)},
                 {"reason", judgement.reason},
                 {"interval", interval_json(judged, hypothesis)},
                 {"p", testable ? Json(p_value(looks)) : Json()},
                 {"parts", parts_json(judged, hypothesis)},
                 {"parts_disagree", testable && disagree(judged.finding.parts,
                                                         judged.finding.threshold, judged.alpha)},
                 {"evidence", judged.finding.evidence},
                 {"plan", plan_json(hypothesis, judged, powers_[which])},
                 {"controls", Json::array()},
                 {"left_out", left_out(hypothesis, policy, pairing(which), cells(which))},
                 {"rule", rule_json(hypothesis, cells(which))},
                 {"caveats", caveats(judged.finding, judgement.verdict, answers)}};
    if (const Json& other = json["rule"]["cells_under_another"]; other != 0)
      json["caveats"].push_back(concat("the rule was changed after ", other.dump(),
                                       " of its cells were trained under an earlier text"));
    for (const Answer& answer : answers)
      json["controls"].push_back(to_json(answer, hypothesis));
    return json;
  }

  const std::vector<Hypothesis>& hypotheses_;
  const Pairing& pairing_;
  const Cells& cells_;
  std::vector<std::unique_ptr<const OwnCells>> own_;  // of each hypothesis; may be null
  std::vector<std::vector<Finding>> findings_;        // of each hypothesis' first policy
  std::vector<std::optional<PlannedPower>> powers_;
};

}  // namespace

Json verdicts(const std::vector<Hypothesis>& hypotheses, const Pairing& pairing,
              const Cells& cells) {
  return Judge(hypotheses, pairing, cells).all();
}

}  // namespace dtbench
