#include "analysis/comparisons.h"

#include "analysis/divergence.h"
#include "analysis/metrics.h"
#include "analysis/stability.h"
#include "analysis/target_loss.h"

namespace dtbench {
namespace {

std::vector<const Cell*> cells_in(const std::vector<Pair>& pairs) {
  std::vector<const Cell*> cells;
  for (const Pair& pair : pairs)
    cells.push_back(pair.cell);
  return cells;
}

Json seeds_of(const std::vector<const Cell*>& cells) {
  Json seeds = Json::array();
  for (const Cell* cell : cells)
    seeds.push_back(cell->seed);
  return seeds;
}

const std::vector<Pair>* noise_pairs(const SettingTrials& setting) {
  for (const Trials& trials : setting.policies)
    if (trials.policy == kNoisePolicy) return &trials.pairs;
  return nullptr;
}

Json compare_policy(const Trials& trials, const std::vector<Pair>* noise, LossCurves& curves) {
  const std::vector<const Cell*> cells = cells_in(trials.pairs);
  Json json = {{"policy", trials.policy},
               {"policy_fields", trials.policy_fields},
               {"seeds", seeds_of(cells)},
               {"stability", stability(cells)},
               {"disturbed_pairs", disturbed_pairs(trials.pairs)},
               {"divergence", divergence(trials.pairs, noise, curves)},
               {"to_target", to_target(trials.pairs, curves)}};
  for (const Metric& metric : kMetrics)
    json["metrics"][metric.name] =
        to_json(paired_metric(trials.pairs, metric.pointer, metric.effect));
  return json;
}

}  // namespace

Json compare(const SettingTrials& setting, LossCurves& curves) {
  const std::vector<Pair>* noise = noise_pairs(setting);
  Json json = {{"scenario", setting.scenario},
               {"spec", setting.setting.spec},
               {"identity", setting.setting.identity},
               {"synthetic", setting.synthetic()},
               {"reference",
                {{"policy", kReferencePolicy},
                 {"seeds", seeds_of(setting.references)},
                 {"stability", stability(setting.references)},
                 {"to_target", targets(setting.references, curves)}}},
               {"policies", Json::array()}};
  for (const Trials& trials : setting.policies)
    json["policies"].push_back(compare_policy(trials, noise, curves));
  return json;
}

}  // namespace dtbench
