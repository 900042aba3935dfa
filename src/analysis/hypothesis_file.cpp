#include "analysis/hypothesis_file.h"

#include <algorithm>

#include "analysis/hypothesis_check.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "config/config_files.h"
#include "config/fields.h"

namespace dtbench {

template <typename Visit>
static void visit_fields(ScenarioPair& pair, Visit&& visit) {
  visit("name", pair.name);
  visit("better", pair.better);
  visit("worse", pair.worse);
  visit("where", pair.where);
  visit("equal_tokens_per_step", pair.equal_tokens_per_step);
}

template <typename Visit>
static void visit_fields(Contrast& contrast, Visit&& visit) {
  visit("policies", contrast.policies);
  visit("pair", contrast.pair);
  visit("safe_policies", contrast.safe_policies);
}

template <typename Visit>
static void visit_fields(Control& control, Visit&& visit) {
  visit("name", control.name);
  visit("replaces", control.replaces);
  visit("policy", control.policy);
  visit("where", control.where);
  visit("confounds", control.confounds);
  visit("if_better", control.if_better);
  visit("if_worse", control.if_worse);
}

template <typename Visit>
static void visit_fields(Hypothesis& hypothesis, Visit&& visit) {
  visit("title", hypothesis.title);
  visit("claim", hypothesis.claim);
  visit("family", hypothesis.family);
  visit("estimand", hypothesis.estimand);
  visit("outcome", hypothesis.outcome);
  visit("threshold", hypothesis.threshold);
  visit("reference_lead", hypothesis.reference_lead);
  visit("alpha", hypothesis.alpha);
  visit("first_seed", hypothesis.first_seed);
  visit("seeds", hypothesis.seeds);
  visit("sessions", hypothesis.sessions);
  visit("looks", hypothesis.looks);
  visit("excluded_seeds", hypothesis.excluded_seeds);
  visit("rates", hypothesis.rates);
  visit("reference_rate", hypothesis.reference_rate);
  visit("planning_sd", hypothesis.planning_sd);
  visit("device", hypothesis.device);
  visit("device_reason", hypothesis.device_reason);
  visit("contrast", hypothesis.contrast);
  visit("where", hypothesis.where);
  visit("control", hypothesis.control);
}

namespace {

void require_known(const std::vector<std::string>& names, const std::vector<std::string>& known,
                   const char* noun, const std::string& origin) {
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw usage_error(concat("Unknown ", noun, " '", name, "' in ", origin, "."),
                        suggestion(name, known));
}

}  // namespace

Hypothesis hypothesis_from_json(const Json& json, const std::string& name,
                                const std::string& origin) {
  Hypothesis hypothesis;
  read_struct(json, {"", origin}, MissingKeys::kKeepDefaults, hypothesis);
  for (const char* key : {"title", "claim", "estimand", "threshold", "contrast"})
    if (!json.contains(key))
      throw usage_error(concat("The key '", key, "' is missing in ", origin, "."));
  hypothesis.name = name;
  check_hypothesis(hypothesis, origin);
  check_plan(hypothesis, 1, origin);
  return hypothesis;
}

std::vector<Hypothesis> load_hypotheses(const std::filesystem::path& configs) {
  const std::vector<std::string> scenarios = config_names(configs, ConfigKind::kScenario);
  const std::vector<std::string> policies = config_names(configs, ConfigKind::kPolicy);
  std::vector<Hypothesis> all;
  std::vector<std::string> origins;
  for (const std::string& name : config_names(configs, ConfigKind::kHypothesis)) {
    const ConfigFile file = load_config(configs, ConfigKind::kHypothesis, name);
    Hypothesis hypothesis = hypothesis_from_json(file.content, name, file.origin);
    hypothesis.sha256 = sha256_file(file.origin);
    require_known(scenarios_of(hypothesis), scenarios, "scenario", file.origin);
    require_known(hypothesis.contrast.policies, policies, "policy", file.origin);
    require_known(hypothesis.contrast.safe_policies, policies, "policy", file.origin);
    for (const Control& control : hypothesis.control)
      if (!control.policy.empty()) require_known({control.policy}, policies, "policy", file.origin);
    all.push_back(hypothesis);
    origins.push_back(file.origin);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    check_plan(all[i], family_size(all, all[i]), origins[i]);
  return all;
}

}  // namespace dtbench
