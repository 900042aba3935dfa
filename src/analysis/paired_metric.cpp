#include "analysis/paired_metric.h"

#include <algorithm>
#include <cmath>

#include "analysis/json_access.h"

namespace dtbench {
namespace {

std::optional<double> effect_of(double value, double reference, Effect effect) {
  if (!std::isfinite(value) || !std::isfinite(reference)) return std::nullopt;
  if (effect == Effect::kDifference) return value - reference;
  if (value <= 0 || reference <= 0) return std::nullopt;
  return std::log(value / reference);
}

}  // namespace

std::vector<double> PairedMetric::effects() const {
  std::vector<double> all;
  for (const PairedValue& value : values)
    all.push_back(value.effect);
  return all;
}

PairedMetric paired_metric(const std::vector<Pair>& pairs, const char* pointer, Effect effect) {
  PairedMetric metric{effect, {}, 0};
  for (const Pair& pair : pairs) {
    const bool whole = pair.cell->completed() && pair.reference->completed();
    const auto value = pair.cell->measured(pointer), reference = pair.reference->measured(pointer);
    const auto result =
        whole && value && reference ? effect_of(*value, *reference, effect) : std::nullopt;
    if (result)
      metric.values.push_back({pair.cell->seed, *value, *reference, *result});
    else
      ++metric.left_out;
  }
  return metric;
}

bool is_disturbed(const Json& result) {
  const Json list = member_or_null(result, "/disturbances");
  return list.is_array() && !list.empty();
}

std::int64_t disturbed_pairs(const std::vector<Pair>& pairs) {
  return std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) {
    return is_disturbed(pair.cell->result) || is_disturbed(pair.reference->result);
  });
}

Json summary(const std::vector<double>& effects, Effect effect) {
  const MeanEstimate estimate(effects);
  const bool is_ratio = effect == Effect::kLogRatio;
  const auto shown = [&](double value) { return is_ratio ? std::exp(value) : value; };
  std::optional<Interval> interval = estimate.interval(kLevel);
  if (interval) interval = Interval{shown(interval->low), shown(interval->high)};
  Json json = {{"n", estimate.n()}, {"level", kLevel}, {"method", estimate.method()}};
  json[is_ratio ? "ratio" : "mean"] =
      estimate.n() > 0 ? json_number(shown(estimate.mean())) : Json();
  json[is_ratio ? "log_sd" : "sd"] = estimate.n() > 1 ? json_number(estimate.sd()) : Json();
  put_interval(json, interval);
  return json;
}

Json to_json(const PairedMetric& metric) {
  Json json = summary(metric.effects(), metric.effect);
  json["left_out"] = metric.left_out;
  json["by_seed"] = Json::array();
  for (const PairedValue& value : metric.values)
    json["by_seed"].push_back(
        {{"seed", value.seed}, {"value", value.value}, {"reference", value.reference}});
  return json;
}

}  // namespace dtbench
