#include "analysis/evidence.h"

#include <algorithm>

#include "analysis/json_access.h"
#include "base/text.h"

namespace dtbench {
namespace {

// Whether `whole` has every member of `part`, with the same value.
bool contains(const Json& whole, const Json& part) {
  if (!part.is_object()) return whole == part;
  if (!whole.is_object()) return false;
  for (const auto& [key, value] : part.items())
    if (!whole.contains(key) || !contains(whole.at(key), value)) return false;
  return true;
}

bool is_kind(const Json& device, const std::string& kind) {  // "cuda:1" is a "cuda"
  return device.is_string() &&
         (device == kind || device.get<std::string>().starts_with(kind + ":"));
}

std::string in_words(const Json& differing) {
  std::vector<std::string> parts;
  for (const Json& each : differing)
    parts.push_back(concat(each.at("field").get<std::string>(), " (", each.at("here").dump(),
                           " and ", each.at("there").dump(), ")"));
  return join(parts, ", ");
}

Json with_policy(const SettingTrials& setting, const Json& policy_fields) {
  Json json = as_json(setting.setting);
  json["spec"]["policy"] = policy_fields;
  return json;
}

// What scenarios have to share; their data, lengths and rates are their own.
Json common(const Arm& arm) {
  const Json all = as_json(arm.setting->setting);
  Json shared = Json::object();
  for (const char* field : {"/spec/preset", "/spec/engine", "/spec/device", "/spec/train/steps",
                            "/identity/program", "/identity/torch", "/identity/device"})
    shared[Json::json_pointer(field)] = member_or_null(all, field);
  return shared;
}

}  // namespace

bool Evidence::fits(const SettingTrials& setting, const std::string& scenario,
                    const Json& where) const {
  const Json& spec = setting.setting.spec;
  return setting.scenario == scenario && contains(spec, where.value(scenario, Json::object())) &&
         (hypothesis_.device.empty() ||
          is_kind(member_or_null(spec, "/device"), hypothesis_.device));
}

std::string Evidence::nothing_fits(const std::string& scenario, const std::string& policy,
                                   const Json& where) const {
  bool on_another_device = false;
  for (const SettingTrials& setting : pairing_.settings)
    if (setting.scenario == scenario &&
        !is_kind(member_or_null(setting.setting.spec, "/device"), hypothesis_.device))
      on_another_device = !hypothesis_.device.empty();
  if (on_another_device)
    return concat("needs a ", hypothesis_.device, " device",
                  hypothesis_.device_reason.empty() ? "" : ": " + hypothesis_.device_reason);
  const Json wanted = where.value(scenario, Json());
  return concat("no pairs of ", policy, " and ", kReferencePolicy, " on ", scenario,
                wanted.is_null() ? "" : " with " + wanted.dump());
}

Arm Evidence::arm(const std::string& scenario, const std::string& policy, const Json& where) const {
  Arm arm;
  arm.scenario = scenario;
  const Trials* chosen = nullptr;
  for (const SettingTrials& setting : pairing_.settings) {
    if (!fits(setting, scenario, where)) continue;
    for (const Trials& trials : setting.policies) {
      if (trials.policy != policy) continue;
      if (chosen != nullptr) {
        const Json apart = differences(with_policy(*arm.setting, chosen->policy_fields),
                                       with_policy(setting, trials.policy_fields));
        arm.problem =
            concat(policy, " was run under more than one setting on ", scenario,
                   ", which differ in ", in_words(apart),
                   "; choose one with 'where' in the hypothesis's file, or keep the runs in "
                   "separate folders");
        return arm;
      }
      arm.setting = &setting;
      arm.pairs = &trials.pairs;
      chosen = &trials;
    }
  }
  if (chosen == nullptr) arm.problem = nothing_fits(scenario, policy, where);
  return arm;
}

ContrastArms Evidence::arms(const Variant& variant) const {
  ContrastArms arms;
  for (const std::string& scenario : hypothesis_.contrast.better)
    arms.better.push_back(arm(scenario, variant.policy, variant.where));
  for (const std::string& scenario : hypothesis_.contrast.worse)
    arms.worse.push_back(arm(scenario, variant.policy, variant.where));
  return arms;
}

std::vector<Arm> ContrastArms::all() const {
  std::vector<Arm> both = better;
  both.insert(both.end(), worse.begin(), worse.end());
  return both;
}

std::string obstacle(const std::vector<Arm>& arms) {
  for (const Arm& arm : arms)
    if (!arm.problem.empty()) return arm.problem;
  for (const Arm& a : arms)
    for (const Arm& b : arms) {
      const bool same_scenario = a.scenario == b.scenario;
      const Json apart = same_scenario
                             ? differences(as_json(a.setting->setting), as_json(b.setting->setting))
                             : differences(common(a), common(b));
      if (apart.empty()) continue;
      return same_scenario
                 ? concat("policies were run under different settings on ", a.scenario,
                          ", which differ in ", in_words(apart))
                 : concat(a.scenario, " and ", b.scenario, " differ in ", in_words(apart));
    }
  return "";
}

bool any_synthetic(const std::vector<Arm>& arms) {
  return std::any_of(arms.begin(), arms.end(),
                     [](const Arm& arm) { return arm.setting->synthetic(); });
}

}  // namespace dtbench
