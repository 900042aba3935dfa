// How much more a policy speeds up training on one scenario than on another.
#include <map>

#include "analysis/finding.h"
#include "analysis/json_access.h"
#include "analysis/mean_test.h"
#include "analysis/paired_metric.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr const char* kSpeed = "/throughput/samples_per_s";

double tokens_per_step(const Arm& arm) {
  const Json& spec = arm.setting->setting.spec;
  return number_or_none(member_or_null(spec, "/train/batch")).value_or(0) *
         number_or_none(member_or_null(spec, "/data/length")).value_or(0);
}

std::string unequal_tokens(const std::vector<Arm>& arms) {
  for (const Arm& arm : arms)
    if (tokens_per_step(arm) != tokens_per_step(arms.front()))
      return concat("a step has ", tokens_per_step(arms.front()), " tokens on ",
                    arms.front().scenario, " and ", tokens_per_step(arm), " on ", arm.scenario,
                    "; the contrast requires equal numbers");
  return "";
}

// By seed, the mean log speed-up over the scenarios of a side; seeds that all of them have.
std::map<std::int64_t, double> log_speedups(const std::vector<Arm>& arms) {
  std::map<std::int64_t, std::vector<double>> by_seed;
  for (const Arm& arm : arms)
    for (const PairedValue& value : paired_metric(*arm.pairs, kSpeed, Effect::kLogRatio).values)
      by_seed[value.seed].push_back(value.effect);
  std::map<std::int64_t, double> means;
  for (const auto& [seed, effects] : by_seed)
    if (effects.size() == arms.size()) means[seed] = mean_and_spread(effects).mean;
  return means;
}

// MFU in points, which is descriptive: it compares datatypes by peaks of their own.
Json mfu_points(const Arm& arm) {
  Json points = Json::object();
  for (const char* peak : {"vs_spec", "vs_measured"}) {
    std::vector<double> differences;
    for (const PairedValue& value :
         paired_metric(*arm.pairs, concat("/mfu/", peak).c_str(), Effect::kDifference).values)
      differences.push_back(100 * value.effect);
    points[peak] = summary(differences, Effect::kDifference);
  }
  return points;
}

Json by_scenario(const std::vector<Arm>& arms) {
  Json json = Json::object();
  for (const Arm& arm : arms)
    json[arm.scenario] = {
        {"speedup", to_json(paired_metric(*arm.pairs, kSpeed, Effect::kLogRatio))},
        {"tokens_per_step", tokens_per_step(arm)},
        {"mfu_points", mfu_points(arm)},
        {"disturbed_pairs", disturbed_pairs(*arm.pairs)}};
  return json;
}

}  // namespace

Finding speedup_finding(const Hypothesis& hypothesis, const Variant& variant,
                        const Pairing& pairing, double alpha) {
  const ContrastArms arms = Evidence(hypothesis, pairing).arms(variant);
  const std::vector<Arm> all = arms.all();
  if (const std::string why = obstacle(all); !why.empty()) return cannot_test(why);
  // A control that changes lengths cannot have both.
  if (hypothesis.contrast.equal_tokens_per_step && !variant.is_control)
    if (const std::string why = unequal_tokens(all); !why.empty()) return cannot_test(why);

  const std::map<std::int64_t, double> on_worse = log_speedups(arms.worse);
  std::vector<double> values;
  for (const auto& [seed, effect] : log_speedups(arms.better))
    if (const auto other = on_worse.find(seed); other != on_worse.end())
      values.push_back(effect - other->second);
  const MeanTest test = test_mean(values, std::log(hypothesis.margin), alpha);
  Finding finding;
  finding.synthetic = any_synthetic(all);
  finding.seeds = test.n;
  finding.p_supports = test.p_above;
  finding.p_refutes = test.p_below;
  finding.seeds_needed = test.n_needed;
  finding.evidence = summary(values, Effect::kLogRatio);
  finding.evidence["scenarios"] = by_scenario(all);
  return finding;
}

}  // namespace dtbench
