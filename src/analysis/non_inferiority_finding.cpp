// Average precision that a policy loses on some scenarios and keeps on others, while safe policies
// keep it on all.
#include <algorithm>
#include <map>
#include <optional>

#include "analysis/finding.h"
#include "analysis/mean_test.h"
#include "analysis/paired_metric.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr const char* kScore = "/convergence/average_precision_micro";
constexpr const char* kConstant = "/convergence/average_precision_micro_constant_predictor";

// A model with a non-finite value answers nothing: it is worth what the constant answer is worth.
// Leaving it out would score a policy by the seeds that it happens to survive.
std::optional<double> score(const Cell& cell, const Cell& reference) {
  return cell.first_nonfinite() ? reference.measured(kConstant) : cell.measured(kScore);
}

// One claim about one policy on one scenario.
struct Part {
  std::string policy, scenario;
  bool inferior;  // claimed; else: not inferior
  std::vector<double> losses;
  std::int64_t scored_as_constant = 0;
  MeanTest test{};

  double p_supports() const { return inferior ? test.p_below : test.p_above; }
  double p_refutes() const { return inferior ? test.p_above : test.p_below; }
};

Part part_of(const Arm& arm, const std::string& policy, bool inferior, double margin,
             double alpha) {
  Part part{policy, arm.scenario, inferior, {}};
  for (const Pair& pair : *arm.pairs) {
    const auto here = score(*pair.cell, *pair.reference), there = pair.reference->measured(kScore);
    if (!here || !there || !std::isfinite(*here) || !std::isfinite(*there)) continue;
    part.losses.push_back(*here - *there);
    if (pair.cell->first_nonfinite()) ++part.scored_as_constant;
  }
  part.test = test_mean(part.losses, -margin, alpha);
  return part;
}

Json to_json(const Part& part) {
  Json json = summary(part.losses, Effect::kDifference);
  json.update({{"policy", part.policy},
               {"scenario", part.scenario},
               {"claimed", part.inferior ? "inferior" : "not_inferior"},
               {"scored_as_constant", part.scored_as_constant},
               {"p_supports", part.p_supports()},
               {"p_refutes", part.p_refutes()}});
  return json;
}

// By how much the reference beats the constant answer, seed by seed.
std::vector<double> leads(const Arm& arm) {
  std::vector<double> leads;
  for (const Cell* cell : arm.setting->references) {
    const auto score = cell->measured(kScore), constant = cell->measured(kConstant);
    if (score && constant) leads.push_back(*score - *constant);
  }
  return leads;
}

std::string short_lead(const Arm& arm, double needed) {
  const MeanEstimate lead(leads(arm));
  if (lead.n() > 0 && lead.mean() >= needed) return "";
  return concat(kReferencePolicy, " must beat the constant answer by ", needed,
                " in average precision on ", arm.scenario, "; ",
                lead.n() > 0 ? concat("its lead is ", lead.mean()) : "neither is recorded",
                ". Precision that was never gained cannot be lost");
}

}  // namespace

Finding non_inferiority_finding(const Hypothesis& hypothesis, const Variant& variant,
                                const Pairing& pairing, double alpha) {
  const Contrast& contrast = hypothesis.contrast;
  const Evidence evidence(hypothesis, pairing);
  std::vector<Arm> arms;
  std::vector<std::pair<std::string, bool>> claims;  // of each arm: policy, inferior
  const auto add = [&](const std::vector<std::string>& scenarios, const std::string& policy,
                       bool inferior) {
    for (const std::string& scenario : scenarios) {
      arms.push_back(evidence.arm(scenario, policy, variant.where));
      claims.emplace_back(policy, inferior);
    }
  };
  add(contrast.better, variant.policy, false);
  add(contrast.worse, variant.policy, true);
  for (const std::string& policy : contrast.safe_policies) {
    add(contrast.better, policy, false);
    add(contrast.worse, policy, false);
  }
  if (const std::string why = obstacle(arms); !why.empty()) return cannot_test(why);
  for (const Arm& arm : arms)
    if (const std::string why = short_lead(arm, hypothesis.reference_lead); !why.empty())
      return cannot_test(why);

  Finding finding;
  finding.synthetic = any_synthetic(arms);
  finding.seeds = kMostSeeds;
  finding.p_supports = 0;
  finding.evidence["parts"] = Json::array();
  bool all_can_be_planned = true;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const Part part = part_of(arms[i], claims[i].first, claims[i].second, hypothesis.margin, alpha);
    // All parts have to hold, so the weakest decides (intersection-union test); one that fails is
    // enough to refute, so those are adjusted for their number (Bonferroni).
    finding.p_supports = std::max(finding.p_supports, part.p_supports());
    finding.p_refutes =
        std::min(finding.p_refutes, part.p_refutes() * static_cast<double>(arms.size()));
    finding.seeds = std::min(finding.seeds, part.test.n);
    finding.seeds_needed = std::max(finding.seeds_needed, part.test.n_needed);
    all_can_be_planned = all_can_be_planned && part.test.n_needed > 0;
    finding.evidence["parts"].push_back(to_json(part));
  }
  if (!all_can_be_planned) finding.seeds_needed = 0;
  for (const Arm& arm : arms)
    finding.evidence["reference_lead"][arm.scenario] = summary(leads(arm), Effect::kDifference);
  return finding;
}

}  // namespace dtbench
