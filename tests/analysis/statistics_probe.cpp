// The statistics for tests/analysis/test_statistics.py: reads one request a line, a JSON object,
// and answers each with a line.
#include <iostream>
#include <string>

#include "analysis/holm.h"
#include "analysis/json_access.h"
#include "analysis/kaplan_meier.h"
#include "analysis/mean_estimate.h"
#include "analysis/planning.h"
#include "analysis/proportions.h"
#include "analysis/signed_rank.h"
#include "base/error.h"

namespace dtbench {
namespace {

Json as_json(const std::optional<Interval>& interval) {
  return interval ? Json{json_number(interval->low), json_number(interval->high)} : Json();
}

Json mean(const Json& request) {
  const auto values = request.at("values").get<std::vector<double>>();
  const double level = request.at("level"), bound = request.at("bound");
  const MeanEstimate estimate(values);
  return {{"mean", json_number(estimate.mean())}, {"sd", json_number(estimate.sd())},
          {"method", estimate.method()},          {"interval", as_json(estimate.interval(level))},
          {"p_above", estimate.p_above(bound)},   {"p_below", estimate.p_below(bound)}};
}

Json bootstrap(const Json& request) {
  const auto values = request.at("values").get<std::vector<double>>();
  const double level = request.at("level"), bound = request.at("bound");
  const std::uint32_t resamples = request.at("resamples");
  const BootstrapMean means(values, resamples);
  return {{"percentile", as_json(means.percentile(level))},
          {"bca", as_json(means.bca(level))},
          {"p_above", means.p_above(bound)},
          {"p_below", means.p_below(bound)}};
}

Json draws(const Json& request) {
  const std::uint32_t resamples = request.at("resamples");
  const std::size_t n = request.at("n");
  Json rows = Json::array();
  for (std::uint32_t resample = 0; resample < resamples; ++resample) {
    Json row = Json::array();
    for (std::size_t i = 0; i < n; ++i)
      row.push_back(BootstrapMean::drawn_index(resample, i, n));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json proportions(const Json& request) {
  const Proportion first{request.at("first")[0], request.at("first")[1]};
  const Discordant pairs{request.at("pairs")[0], request.at("pairs")[1], request.at("pairs")[2]};
  const double level = request.at("level");
  return {{"clopper_pearson", as_json(clopper_pearson(first, level))},
          {"difference", as_json(paired_difference_interval(pairs, 1 - level))}};
}

Json signed_rank(const Json& request) {
  std::vector<Interval> differences;
  for (const Json& one : request.at("differences"))
    differences.push_back({number_from_json(one[0], ""), number_from_json(one[1], "")});
  const SignedRank rank(differences);
  return {{"interval", as_json(rank.interval(request.at("alpha")))},
          {"estimate", number_or_null(rank.estimate())}};
}

Json power(const Json& request) {
  JointPlan plan{{}, request.at("sd"), request.at("distance"), request.at("alpha")};
  for (const Json& part : request.at("parts"))
    plan.parts.push_back({part[0], part[1]});
  return {{"power", joint_power(plan, request.at("n"))},
          {"needed", joint_seeds(plan, request.at("power"))}};
}

Json survival(const Json& request) {
  std::vector<Lifetime> lifetimes;
  for (const Json& one : request.at("lifetimes"))
    lifetimes.push_back({one[0], one[1]});
  Json steps = Json::array();
  for (const SurvivalStep& step : kaplan_meier(lifetimes, request.at("level")))
    steps.push_back({{"step", step.step},
                     {"at_risk", step.at_risk},
                     {"events", step.events},
                     {"survival", step.survival},
                     {"interval", as_json(step.interval)}});
  return steps;
}

Json needed(const Json& request) {
  return values_needed(request.at("sd"), request.at("distance"), request.at("alpha"),
                       request.at("power"), request.at("largest"));
}

Json answer(const Json& request) {
  const std::string what = request.at("what");
  if (what == "mean") return mean(request);
  if (what == "bootstrap") return bootstrap(request);
  if (what == "draws") return draws(request);
  if (what == "proportions") return proportions(request);
  if (what == "signed_rank") return signed_rank(request);
  if (what == "power") return power(request);
  if (what == "survival") return survival(request);
  if (what == "values_needed") return needed(request);
  if (what == "holm") return holm(request.at("p_values").get<std::vector<double>>());
  throw usage_error("No such statistic: " + what);
}

}  // namespace
}  // namespace dtbench

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);)
    std::cout << dtbench::answer(dtbench::Json::parse(line)).dump() << '\n';
}
