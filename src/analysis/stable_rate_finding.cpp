// How much smaller a policy's largest stable learning rate is, over the reference's, on one
// scenario than on another, seed by seed.
#include <algorithm>
#include <cmath>

#include "analysis/finding.h"
#include "analysis/json_access.h"
#include "analysis/signed_rank.h"
#include "analysis/stable_rate.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr const char* kRate = "/train/learning_rate";

// One scenario under one policy: an arm a rate, and of each planned seed its pairs at all rates.
struct RateArms {
  std::string scenario;
  std::vector<Arm> arms;  // in the order of the rates; may be absent
  std::map<std::int64_t, std::vector<Pair>> whole;

  std::vector<const Cell*> cells(std::int64_t seed, bool reference) const {
    std::vector<const Cell*> list;
    for (const Pair& pair : whole.at(seed))
      list.push_back(reference ? pair.reference : pair.cell);
    return list;
  }
};

RateArms rate_arms(const Evidence& evidence, const std::string& scenario, const std::string& policy,
                   const Json& where, const std::vector<std::int64_t>& seeds,
                   Completeness& completeness) {
  RateArms side{scenario, {}, {}};
  std::vector<std::map<std::int64_t, Pair>> pairs;
  for (const double rate : evidence.hypothesis().rates) {
    Json at_rate = where;
    at_rate[scenario]["train"]["learning_rate"] = rate;
    side.arms.push_back(evidence.arm(scenario, policy, at_rate));
    pairs.push_back(side.arms.back().by_seed());
  }
  for (const std::int64_t seed : seeds) {
    std::vector<Pair> all;
    for (const auto& at_rate : pairs)
      if (const auto pair = at_rate.find(seed); pair != at_rate.end()) all.push_back(pair->second);
    if (all.size() == pairs.size())
      side.whole[seed] = std::move(all);
    else
      completeness.lacks(seed, scenario, policy);
  }
  return side;
}

bool reference_trains(const RateArms& side, std::int64_t seed) {
  const auto cells = side.cells(seed, true);
  return std::any_of(cells.begin(), cells.end(), [](const Cell* cell) { return cell->trained(); });
}

std::int64_t seeds_with_trained_reference(const RateArms& side) {
  return std::count_if(side.whole.begin(), side.whole.end(),
                       [&](const auto& each) { return reference_trains(side, each.first); });
}

// log2 of the policy's largest stable rate over the reference's, between bounds.
Interval log2_ratio(const RateArms& side, std::int64_t seed, const std::vector<double>& rates) {
  const Interval policy = log2_bounds(largest_stable_rate(side.cells(seed, false)), rates);
  const Interval reference = log2_bounds(largest_stable_rate(side.cells(seed, true)), rates);
  return {policy.low - reference.high, policy.high - reference.low};
}

// A difference is never known more closely than to a step of the grid, also where all its four
// rates are the grid's highest.
Interval at_least_a_step(Interval difference, const std::vector<double>& rates) {
  double step = std::log2(rates[1] / rates[0]);
  for (std::size_t i = 2; i < rates.size(); ++i)
    step = std::min(step, std::log2(rates[i] / rates[i - 1]));
  const double lacking = step - (difference.high - difference.low);
  if (lacking > 0) difference = {difference.low - lacking / 2, difference.high + lacking / 2};
  return difference;
}

Json rates_json(const RateArms& side, std::int64_t seed, const std::vector<double>& rates) {
  Json json = {{"seed", seed}};
  for (const bool reference : {false, true}) {
    const std::vector<const Cell*> cells = side.cells(seed, reference);
    const LargestStableRate found = largest_stable_rate(cells);
    json[reference ? "reference" : "policy"] = {
        {"largest_stable_rate", number_or_null(rate_of(found, rates))},
        {"censored", censoring(found)},
        {"sensitivity", number_or_null(rate_sensitivity(cells))}};
  }
  return json;
}

// Of the planned seeds; survival at the reference rate stands beside, without a verdict.
Json scenario_json(const RateArms& side, const Hypothesis& hypothesis) {
  const auto place = static_cast<std::size_t>(
      std::find(hypothesis.rates.begin(), hypothesis.rates.end(), hypothesis.reference_rate) -
      hypothesis.rates.begin());
  std::int64_t finite = 0, trained = 0;
  Json by_seed = Json::array();
  for (const auto& [seed, pairs] : side.whole) {
    finite += pairs[place].cell->finite() ? 1 : 0;
    trained += pairs[place].cell->trained() ? 1 : 0;
    by_seed.push_back(rates_json(side, seed, hypothesis.rates));
  }
  return {{"scenario", side.scenario},
          {"n", side.whole.size()},
          {"reference_trained", seeds_with_trained_reference(side)},
          {"at_reference_rate",
           {{"rate", hypothesis.reference_rate}, {"finite", finite}, {"trained", trained}}},
          {"by_seed", by_seed}};
}

// One trained cell makes a scenario testable, and is little to hold a policy against.
std::string seldom_trained(const RateArms& side) {
  const std::int64_t trained = seeds_with_trained_reference(side);
  if (trained == static_cast<std::int64_t>(side.whole.size())) return "";
  return concat(kReferencePolicy, " trains in ", trained, " of ", side.whole.size(),
                " seeds at some rate on ", side.scenario);
}

std::string untrained(const RateArms& side) {
  if (side.whole.empty() || seeds_with_trained_reference(side) > 0) return "";
  return concat(kReferencePolicy, " is not trained on ", side.scenario,
                " at any rate in any of its ", side.whole.size(),
                " seeds, so that scenario decides nothing; more steps or other rates are needed");
}

}  // namespace

Finding stable_rate_finding(const Variant& variant, const Evidence& evidence, std::int64_t look) {
  const Hypothesis& hypothesis = evidence.hypothesis();
  const std::vector<std::int64_t> seeds = evidence.planned_seeds(look);
  Completeness completeness(seeds);
  Finding finding;
  finding.threshold = hypothesis.threshold;
  std::vector<Arm> present;
  for (const ScenarioPair& pair : hypothesis.contrast.pair) {
    const Json where = evidence.where(pair, variant);
    const auto side_of_pair = [&](const std::string& scenario) {
      return rate_arms(evidence, scenario, variant.policy, where, seeds, completeness);
    };
    const RateArms better = side_of_pair(pair.better), worse = side_of_pair(pair.worse);
    for (const RateArms* side : {&better, &worse}) {
      const auto absent = [](const Arm& arm) { return arm.absent; };
      if (std::all_of(side->arms.begin(), side->arms.end(), absent))
        return cannot_test(evidence.nothing_fits(side->scenario, variant.policy, where));
      std::copy_if(side->arms.begin(), side->arms.end(), std::back_inserter(present),
                   [&](const Arm& arm) { return !absent(arm); });
      if (const std::string why = untrained(*side); !why.empty()) return cannot_test(why);
      if (const std::string caveat = seldom_trained(*side);
          !caveat.empty() && std::ranges::find(finding.caveats, caveat) == finding.caveats.end())
        finding.caveats.push_back(caveat);
    }

    std::vector<Interval> differences;
    std::map<std::int64_t, Interval>& on_worse = finding.worse[pair.label()];
    for (const auto& [seed, pairs] : better.whole) {
      if (!worse.whole.contains(seed)) continue;
      const Interval b = log2_ratio(better, seed, hypothesis.rates);
      const Interval w = log2_ratio(worse, seed, hypothesis.rates);
      differences.push_back(at_least_a_step({b.low - w.high, b.high - w.low}, hypothesis.rates));
      on_worse[seed] = log2_bounds(largest_stable_rate(worse.cells(seed, false)), hypothesis.rates);
    }
    const SignedRank rank(differences);
    finding.parts.push_back({pair.label(),
                             [rank](double alpha) { return rank.interval(alpha); },
                             rank.estimate(),
                             std::nullopt,
                             {{"n", differences.size()},
                              {"better", scenario_json(better, hypothesis)},
                              {"worse", scenario_json(worse, hypothesis)}}});
  }
  if (const std::string why = obstacle(present, kRate); !why.empty()) return cannot_test(why);
  finding.conditions = conditions_of(present, kRate);
  finding.synthetic = any_synthetic(present);
  finding.done = completeness.done();
  finding.missing = completeness.missing();
  return finding;
}

}  // namespace dtbench
