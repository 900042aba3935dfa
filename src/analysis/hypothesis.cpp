#include "analysis/hypothesis.h"

#include <algorithm>
#include <array>

#include "config/config_files.h"
#include "config/fields.h"
#include "config/settings.h"

namespace dtbench {
namespace {

constexpr std::array kEstimands = {EnumName{Estimand::kSurvival, "survival"},
                                   EnumName{Estimand::kSpeedup, "speedup"},
                                   EnumName{Estimand::kNonInferiority, "non_inferiority"}};

}  // namespace

static std::span<const EnumName<Estimand>> names_of(Estimand) {
  return kEstimands;
}

template <typename Visit>
static void visit_fields(Contrast& contrast, Visit&& visit) {
  visit("policies", contrast.policies);
  visit("better", contrast.better);
  visit("worse", contrast.worse);
  visit("equal_tokens_per_step", contrast.equal_tokens_per_step);
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
  visit("margin", hypothesis.margin);
  visit("reference_lead", hypothesis.reference_lead);
  visit("alpha", hypothesis.alpha);
  visit("minimum_seeds", hypothesis.minimum_seeds);
  visit("device", hypothesis.device);
  visit("device_reason", hypothesis.device_reason);
  visit("contrast", hypothesis.contrast);
  visit("where", hypothesis.where);
  visit("control", hypothesis.control);
}

namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> scenarios_of(const Hypothesis& hypothesis) {
  std::vector<std::string> all = hypothesis.contrast.better;
  all.insert(all.end(), hypothesis.contrast.worse.begin(), hypothesis.contrast.worse.end());
  return all;
}

// Refuses what contradicts itself or the estimand, naming the file.
class HypothesisCheck {
 public:
  HypothesisCheck(const Hypothesis& hypothesis, std::string origin)
      : hypothesis_(hypothesis), origin_(std::move(origin)) {}

  void all() const {
    numbers();
    keys_of_the_estimand();
    where("where", hypothesis_.where);
    for (const Control& control : hypothesis_.control)
      check(control);
  }

 private:
  void require(bool condition, const std::string& message, const std::string& hint) const {
    if (!condition) throw usage_error(concat(message, " in ", origin_, "."), hint);
  }

  void numbers() const {
    const Hypothesis& h = hypothesis_;
    require(h.alpha > 0 && h.alpha < 0.5, concat("'alpha' is ", h.alpha), "0.05 is usual.");
    require(h.minimum_seeds >= 2, concat("'minimum_seeds' is ", h.minimum_seeds),
            "Two seeds show only that there is a spread; the contract requires 5.");
    const bool in_range = h.margin > 0 && (h.estimand == Estimand::kSpeedup || h.margin <= 1);
    require(in_range, concat("'margin' is ", h.margin),
            "survival: a share that matters; speedup: a ratio to exceed, 1.02 say; "
            "non_inferiority: the average precision that may be lost.");
  }

  void keys_of_the_estimand() const {
    const Contrast& c = hypothesis_.contrast;
    const std::string estimand = concat("estimand = \"", to_string(hypothesis_.estimand), "\"");
    require(!c.policies.empty() && !c.better.empty() && !c.worse.empty(),
            "'contrast' lacks one of 'policies', 'better' and 'worse'",
            "Name at least one policy and a scenario on each side.");
    for (const std::string& scenario : c.better)
      require(!holds(c.worse, scenario), concat("Scenario '", scenario, "' is on both sides"),
              "'contrast.better' and 'contrast.worse' are compared.");
    const bool inferiority = hypothesis_.estimand == Estimand::kNonInferiority;
    require(inferiority == !c.safe_policies.empty(),
            concat("'contrast.safe_policies' does not fit ", estimand),
            "Only non_inferiority takes it, and needs it: policies that must match the reference.");
    require(inferiority || hypothesis_.reference_lead == 0,
            concat("'reference_lead' does not apply to ", estimand), "Leave it out.");
    require(hypothesis_.estimand == Estimand::kSpeedup || !c.equal_tokens_per_step,
            concat("'contrast.equal_tokens_per_step' does not apply to ", estimand),
            "Leave it out.");
  }

  void check(const Control& control) const {
    const std::string which = concat("Control '", control.name, "'");
    require(!control.name.empty(), "A control has no 'name'", "Give it one.");
    require(!control.policy.empty() || !control.where.empty(), which + " changes nothing",
            "Set 'policy' to another policy, or 'where' to other settings.");
    require(control.replaces.empty() || holds(hypothesis_.contrast.policies, control.replaces),
            concat(which, " replaces '", control.replaces, "', which is not in the contrast"),
            suggestion(control.replaces, hypothesis_.contrast.policies));
    require(hypothesis_.estimand == Estimand::kSurvival ||
                (control.if_better.empty() && control.if_worse.empty()),
            concat(which, " says what it shows by survival"),
            "'if_better' and 'if_worse' apply only to estimand = \"survival\".");
    where("control.where", control.where);
  }

  // Scenarios of the contrast, and below them keys of a spec with values of their kind.
  void where(const std::string& name, const Json& value) const {
    const FieldPlace place{name, origin_};
    if (!value.is_object()) throw wrong_value(place, "a table of scenarios", value);
    for (const auto& [scenario, settings] : value.items()) {
      const FieldPlace inside = place.member(scenario);
      if (!holds(scenarios_of(hypothesis_), scenario))
        throw unknown_key(inside, members(place, scenarios_of(hypothesis_)));
      if (!settings.is_object() || settings.empty())
        throw wrong_value(inside, "a table of settings", settings);
      const Json keys = settings.flatten();
      for (const auto& [pointer, wanted] : keys.items())
        setting(inside, pointer, wanted);
    }
  }

  void setting(const FieldPlace& scenario, const std::string& pointer, const Json& wanted) const {
    std::string key = pointer.substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    const Json& fields = spec_fields();
    if (!fields.contains(key_pointer(key)) || fields.at(key_pointer(key)).is_object())
      throw unknown_key(scenario.member(key), members(scenario, settable_keys()));
    const Json& usual = fields.at(key_pointer(key));
    if (usual.is_number() != wanted.is_number() || usual.is_string() != wanted.is_string())
      throw wrong_value(scenario.member(key), usual.is_number() ? "a number" : "text", wanted);
  }

  static std::vector<std::string> members(const FieldPlace& place, std::vector<std::string> names) {
    for (std::string& name : names)
      name = place.member(name).name;
    return names;
  }

  const Hypothesis& hypothesis_;
  std::string origin_;
};

void require_known(const std::vector<std::string>& names, const std::vector<std::string>& known,
                   const char* noun, const std::string& origin) {
  for (const std::string& name : names)
    if (!holds(known, name))
      throw usage_error(concat("Unknown ", noun, " '", name, "' in ", origin, "."),
                        suggestion(name, known));
}

}  // namespace

const char* to_string(Estimand value) {
  return enum_name(value);
}

Hypothesis hypothesis_from_json(const Json& json, const std::string& name,
                                const std::string& origin) {
  Hypothesis hypothesis;
  read_struct(json, {"", origin}, MissingKeys::kKeepDefaults, hypothesis);
  for (const char* key : {"title", "claim", "estimand", "margin", "contrast"})
    if (!json.contains(key))
      throw usage_error(concat("The key '", key, "' is missing in ", origin, "."));
  hypothesis.name = name;
  HypothesisCheck(hypothesis, origin).all();
  return hypothesis;
}

std::vector<Hypothesis> load_hypotheses(const std::filesystem::path& configs) {
  const std::vector<std::string> scenarios = config_names(configs, ConfigKind::kScenario);
  const std::vector<std::string> policies = config_names(configs, ConfigKind::kPolicy);
  std::vector<Hypothesis> all;
  for (const std::string& name : config_names(configs, ConfigKind::kHypothesis)) {
    const ConfigFile file = load_config(configs, ConfigKind::kHypothesis, name);
    const Hypothesis hypothesis = hypothesis_from_json(file.content, name, file.origin);
    require_known(scenarios_of(hypothesis), scenarios, "scenario", file.origin);
    require_known(hypothesis.contrast.policies, policies, "policy", file.origin);
    require_known(hypothesis.contrast.safe_policies, policies, "policy", file.origin);
    for (const Control& control : hypothesis.control)
      if (!control.policy.empty()) require_known({control.policy}, policies, "policy", file.origin);
    all.push_back(hypothesis);
  }
  return all;
}

}  // namespace dtbench
