#include "analysis/divergence.h"

#include <cmath>

#include "analysis/paired_metric.h"

namespace dtbench {
namespace {

using Distances = std::map<std::int64_t, CurveDistance>;  // by seed

Distances distances(const std::vector<Pair>& pairs, LossCurves& curves) {
  Distances all;
  for (const Pair& pair : pairs)
    if (const auto distance =
            curve_distance(curves.of(pair.cell->path), curves.of(pair.reference->path)))
      all.emplace(pair.cell->seed, *distance);
  return all;
}

Json summary_of(const Distances& all, double CurveDistance::* measure) {
  std::vector<double> values;
  for (const auto& [seed, distance] : all)
    values.push_back(distance.*measure);
  return summary(values, Effect::kDifference);
}

// Seeds in which either is 0 have no ratio.
Json ratio_summary(const Distances& all, const Distances& noise, double CurveDistance::* measure) {
  std::vector<double> ratios;
  for (const auto& [seed, distance] : all) {
    const auto floor = noise.find(seed);
    if (floor == noise.end()) continue;
    const double here = distance.*measure, there = floor->second.*measure;
    if (here > 0 && there > 0) ratios.push_back(std::log(here / there));
  }
  return summary(ratios, Effect::kLogRatio);
}

}  // namespace

Json divergence(const std::vector<Pair>& pairs, const std::vector<Pair>* noise,
                LossCurves& curves) {
  const Distances all = distances(pairs, curves);
  Json json = {{"max", summary_of(all, &CurveDistance::max)},
               {"time_mean", summary_of(all, &CurveDistance::mean)},
               {"over_noise_floor", nullptr},
               {"by_seed", Json::array()},
               {"left_out", pairs.size() - all.size()}};
  for (const auto& [seed, distance] : all)
    json["by_seed"].push_back({{"seed", seed},
                               {"max", distance.max},
                               {"time_mean", distance.mean},
                               {"steps", distance.steps}});
  if (noise == nullptr) return json;
  const Distances floor = distances(*noise, curves);
  json["over_noise_floor"] = {{"max", ratio_summary(all, floor, &CurveDistance::max)},
                              {"time_mean", ratio_summary(all, floor, &CurveDistance::mean)}};
  return json;
}

}  // namespace dtbench
