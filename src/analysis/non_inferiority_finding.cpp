// Average precision that a policy loses on some scenarios and keeps on others, while safe policies
// keep it on all.
#include <algorithm>
#include <cmath>
#include <optional>

#include "analysis/finding.h"
#include "analysis/mean_part.h"
#include "analysis/paired_metric.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr const char* kScore = "/convergence/average_precision_micro";
constexpr const char* kConstant = "/convergence/average_precision_micro_constant_predictor";

// A model with a non-finite value answers nothing: it is worth what the constant answer is worth.
// Leaving it out would score a policy by the seeds that it happens to survive.
std::optional<double> score(const Cell& cell, const Cell& reference) {
  return cell.died() ? reference.measured(kConstant) : cell.measured(kScore);
}

// One claim about one policy on one scenario.
struct Claimed {
  std::string policy, scenario;
  bool inferior;  // else: not inferior
};

// The claims of a pair of scenarios.
std::vector<Claimed> claims_of(const ScenarioPair& pair, const std::string& policy,
                               const std::vector<std::string>& safe_policies) {
  std::vector<Claimed> claims = {{policy, pair.better, false}, {policy, pair.worse, true}};
  for (const std::string& safe : safe_policies) {
    claims.push_back({safe, pair.better, false});
    claims.push_back({safe, pair.worse, false});
  }
  return claims;
}

// The differences of the planned seeds, and by how much each lies on the claimed side of its bound.
Part part_of(const Arm& arm, const Claimed& claimed, const std::vector<std::int64_t>& seeds,
             double margin, Completeness& completeness) {
  const auto pairs = arm.by_seed();
  std::vector<double> losses, beyond;
  std::int64_t scored_as_constant = 0;
  for (const std::int64_t seed : seeds) {
    const auto found = pairs.find(seed);
    std::optional<double> here, there;
    if (found != pairs.end()) {
      here = score(*found->second.cell, *found->second.reference);
      there = found->second.reference->measured(kScore);
    }
    if (!here || !there || !std::isfinite(*here) || !std::isfinite(*there)) {
      completeness.lacks(seed, claimed.scenario, claimed.policy);
      continue;
    }
    losses.push_back(*here - *there);
    beyond.push_back(claimed.inferior ? -margin - losses.back() : losses.back() + margin);
    scored_as_constant += found->second.cell->died() ? 1 : 0;
  }
  return mean_part(concat(claimed.policy, " on ", claimed.scenario), beyond,
                   {{"policy", claimed.policy},
                    {"scenario", claimed.scenario},
                    {"claimed", claimed.inferior ? "inferior" : "not_inferior"},
                    {"scored_as_constant", scored_as_constant},
                    {"difference", summary(losses, Effect::kDifference)}});
}

// By how much the reference beats the constant answer with each of the seeds.
std::vector<double> leads(const Arm& arm, const std::vector<std::int64_t>& seeds) {
  std::vector<double> leads;
  for (const Cell* cell : arm.setting->references) {
    if (std::ranges::find(seeds, cell->seed) == seeds.end()) continue;
    const auto score = cell->measured(kScore), constant = cell->measured(kConstant);
    if (score && constant) leads.push_back(*score - *constant);
  }
  return leads;
}

// The first reference whose score, or the constant answer's, is no finite number.
std::string without_score(const Arm& arm, const std::vector<std::int64_t>& seeds) {
  for (const Cell* cell : arm.setting->references) {
    if (std::ranges::find(seeds, cell->seed) == seeds.end()) continue;
    for (const char* field : {kScore, kConstant})
      if (const auto value = cell->measured(field); value && !std::isfinite(*value))
        return concat(kReferencePolicy, " has no score on ", arm.scenario, " with seed ",
                      cell->seed, ", so it has no lead over the constant answer");
  }
  return "";
}

std::string short_lead(const Arm& arm, const std::vector<std::int64_t>& seeds, double needed) {
  if (std::string why = without_score(arm, seeds); !why.empty()) return why;
  const MeanEstimate lead(leads(arm, seeds));
  if (lead.n() > 0 && lead.mean() >= needed) return "";
  return concat(kReferencePolicy, " must beat the constant answer by ", needed,
                " in average precision on ", arm.scenario, "; ",
                lead.n() > 0 ? concat("its lead is ", lead.mean()) : "neither is recorded",
                ". Precision that was never gained cannot be lost");
}

}  // namespace

Finding non_inferiority_finding(const Variant& variant, const Evidence& evidence,
                                std::int64_t look) {
  const Hypothesis& hypothesis = evidence.hypothesis();
  const std::vector<std::int64_t> seeds = evidence.planned_seeds(look);
  Completeness completeness(seeds);
  Finding finding;  // its threshold is 0: parts are distances beyond their bounds
  std::vector<Arm> arms;
  for (const ScenarioPair& pair : hypothesis.contrast.pair) {
    const Json where = evidence.where(pair, variant);
    for (const Claimed& claimed :
         claims_of(pair, variant.policy, hypothesis.contrast.safe_policies)) {
      arms.push_back(evidence.arm(claimed.scenario, claimed.policy, where));
      finding.parts.push_back(
          part_of(arms.back(), claimed, seeds, hypothesis.threshold, completeness));
    }
  }
  if (const std::string why = obstacle(arms); !why.empty()) return cannot_test(why);
  for (const Arm& arm : arms) {
    if (const std::string why = short_lead(arm, seeds, hypothesis.reference_lead); !why.empty())
      return cannot_test(why);
    finding.evidence["reference_lead"][arm.scenario] =
        summary(leads(arm, seeds), Effect::kDifference);
  }
  finding.conditions = conditions_of(arms);
  finding.synthetic = any_synthetic(arms);
  finding.done = completeness.done();
  finding.missing = completeness.missing();
  return finding;
}

}  // namespace dtbench
