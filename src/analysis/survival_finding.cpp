// The share of cells that stay finite (that train), on one scenario against another, seed by seed.
#include "analysis/finding.h"
#include "analysis/proportions.h"
#include "base/text.h"

namespace dtbench {
namespace {

// A seed's two cells of a pair of scenarios.
struct SeedPair {
  std::int64_t seed;
  Pair better, worse;

  // A seed whose reference is not trained at the last step decides nothing (contract).
  bool decides() const { return better.reference->trained() && worse.reference->trained(); }
};

Json scenario_json(const std::vector<SeedPair>& seeds, const std::string& scenario,
                   Pair SeedPair::* side) {
  std::int64_t finite = 0, trained = 0;
  for (const SeedPair& each : seeds) {
    finite += (each.*side).cell->finite() ? 1 : 0;
    trained += (each.*side).cell->trained() ? 1 : 0;
  }
  return {{"scenario", scenario}, {"finite", finite}, {"trained", trained}, {"n", seeds.size()}};
}

}  // namespace

Finding survival_finding(const Variant& variant, const Evidence& evidence, std::int64_t look) {
  const Hypothesis& hypothesis = evidence.hypothesis();
  const std::vector<std::int64_t> planned = evidence.planned_seeds(look);
  const auto survives = [&](const Pair& pair) {
    return hypothesis.outcome == SurvivalOutcome::kTrained ? pair.cell->trained()
                                                           : pair.cell->finite();
  };
  Completeness completeness(planned);
  Finding finding;
  finding.threshold = hypothesis.threshold;
  std::vector<Arm> all;
  for (const ScenarioPair& pair : hypothesis.contrast.pair) {
    const Json where = evidence.where(pair, variant);
    const Arm better = evidence.arm(pair.better, variant.policy, where);
    const Arm worse = evidence.arm(pair.worse, variant.policy, where);
    all.insert(all.end(), {better, worse});
    const auto on_better = better.by_seed(), on_worse = worse.by_seed();
    std::vector<SeedPair> seeds;
    std::int64_t indecisive = 0;
    for (const std::int64_t seed : planned) {
      const auto b = on_better.find(seed), w = on_worse.find(seed);
      if (b == on_better.end()) completeness.lacks(seed, pair.better, variant.policy);
      if (w == on_worse.end()) completeness.lacks(seed, pair.worse, variant.policy);
      if (b == on_better.end() || w == on_worse.end()) continue;
      if (const SeedPair each{seed, b->second, w->second}; each.decides())
        seeds.push_back(each);
      else
        ++indecisive;
    }
    if (indecisive > 0 && seeds.empty())
      return cannot_test(concat(kReferencePolicy, " is not trained on ", pair.better, " and ",
                                pair.worse, " in any of ", indecisive,
                                " seeds, so they decide nothing; more steps or another learning "
                                "rate are needed"));

    Discordant counts{0, 0, static_cast<std::int64_t>(seeds.size())};
    for (const SeedPair& each : seeds) {
      const bool b = survives(each.better), w = survives(each.worse);
      counts.first_only += b && !w ? 1 : 0;
      counts.second_only += w && !b ? 1 : 0;
      const double on_worse_side = w ? 1 : 0;
      finding.worse[pair.label()][each.seed] = {on_worse_side, on_worse_side};
    }
    finding.parts.push_back(
        {pair.label(),
         [counts](double alpha) { return paired_difference_interval(counts, alpha); },
         seeds.empty() ? std::nullopt : std::optional(counts.difference()),
         std::nullopt,
         {{"n", seeds.size()},
          {"reference_not_trained", indecisive},
          {"better_only", counts.first_only},
          {"worse_only", counts.second_only},
          {"outcome", to_string(hypothesis.outcome)},
          {"better", scenario_json(seeds, pair.better, &SeedPair::better)},
          {"worse", scenario_json(seeds, pair.worse, &SeedPair::worse)}}});
  }
  if (const std::string why = obstacle(all); !why.empty()) return cannot_test(why);
  finding.conditions = conditions_of(all);
  finding.synthetic = any_synthetic(all);
  finding.done = completeness.done();
  finding.missing = completeness.missing();
  return finding;
}

}  // namespace dtbench
