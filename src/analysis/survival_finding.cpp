// The share of cells that survives, on one group of scenarios against another.
#include <algorithm>
#include <cmath>

#include "analysis/finding.h"
#include "analysis/fisher.h"
#include "analysis/json_access.h"
#include "analysis/paired_metric.h"
#include "analysis/proportions.h"
#include "base/text.h"

namespace dtbench {
namespace {

// A seed whose reference is not trained at the last step decides nothing (contract).
Proportion decisive_survivors(const std::vector<Pair>& pairs) {
  Proportion survived;
  for (const Pair& pair : pairs) {
    if (!pair.reference->survived()) continue;
    ++survived.n;
    if (pair.cell->survived()) ++survived.successes;
  }
  return survived;
}

struct Side {
  Proportion survived;
  std::int64_t scenarios = 0;
  std::int64_t fewest_seeds = kMostSeeds;
  Json by_scenario = Json::object();
};

Side side_of(const std::vector<Arm>& arms) {
  Side side;
  for (const Arm& arm : arms) {
    const Proportion survived = decisive_survivors(*arm.pairs);
    side.survived.successes += survived.successes;
    side.survived.n += survived.n;
    side.fewest_seeds = std::min(side.fewest_seeds, survived.n);
    ++side.scenarios;
    side.by_scenario[arm.scenario] = {
        {"survived", survived.successes},
        {"n", survived.n},
        {"reference_not_trained", static_cast<std::int64_t>(arm.pairs->size()) - survived.n}};
  }
  return side;
}

Json to_json(const Side& side) {
  Json json = {{"survived", side.survived.successes},
               {"n", side.survived.n},
               {"level", kLevel},
               {"scenarios", side.by_scenario}};
  put_interval(json, clopper_pearson(side.survived, kLevel));
  return json;
}

std::string undecisive_scenario(const std::vector<Arm>& arms) {
  for (const Arm& arm : arms)
    if (decisive_survivors(*arm.pairs).n == 0)
      return concat(kReferencePolicy, " is not trained on ", arm.scenario, " in any of its ",
                    arm.pairs->size(),
                    " seeds, so that scenario decides nothing; train more steps or "
                    "change the learning rate");
  return "";
}

double p_supports(Proportion better, Proportion worse) {
  return better.share() > worse.share() ? fisher_exact(better, worse) : 1;
}

// If the shares stay as they are.
std::int64_t seeds_needed(const Side& better, const Side& worse, double margin, double alpha) {
  const auto grown = [](const Side& side, std::int64_t more) {
    const std::int64_t n = side.survived.n + more * side.scenarios;
    return Proportion{std::llround(side.survived.share() * static_cast<double>(n)), n};
  };
  const std::int64_t seeds = std::min(better.fewest_seeds, worse.fewest_seeds);
  for (std::int64_t more = 0; seeds + more <= kMostSeeds; ++more) {
    const Proportion b = grown(better, more), w = grown(worse, more);
    if (p_supports(b, w) <= alpha || p_difference_below(b, w, margin) <= alpha) return seeds + more;
  }
  return 0;
}

}  // namespace

Finding survival_finding(const Hypothesis& hypothesis, const Variant& variant,
                         const Pairing& pairing, double alpha) {
  const ContrastArms arms = Evidence(hypothesis, pairing).arms(variant);
  const std::vector<Arm> all = arms.all();
  if (const std::string why = obstacle(all); !why.empty()) return cannot_test(why);
  if (const std::string why = undecisive_scenario(all); !why.empty()) return cannot_test(why);

  const Side better = side_of(arms.better), worse = side_of(arms.worse);
  Finding finding;
  finding.synthetic = any_synthetic(all);
  finding.seeds = std::min(better.fewest_seeds, worse.fewest_seeds);
  finding.p_supports = p_supports(better.survived, worse.survived);
  finding.p_refutes = p_difference_below(better.survived, worse.survived, hypothesis.margin);
  finding.seeds_needed = seeds_needed(better, worse, hypothesis.margin, alpha);
  finding.evidence = {{"better", to_json(better)},
                      {"worse", to_json(worse)},
                      {"difference", better.survived.share() - worse.survived.share()},
                      {"level", kLevel},
                      {"fisher_exact_p", fisher_exact(better.survived, worse.survived)}};
  put_interval(finding.evidence, difference_interval(better.survived, worse.survived, kLevel));
  return finding;
}

}  // namespace dtbench
