#include "analysis/conditions.h"

#include "analysis/json_access.h"
#include "base/text.h"

namespace dtbench {
namespace {

// What of a cell's identity a section of its spec decides.
const std::map<std::string, std::vector<const char*>> kDecides = {
    {"data", {"data_fingerprint", "data_content_fingerprint"}},
    {"model", {"initial_weights_file"}}};

// The setting without what `where` sets and what follows from it.
Json without(Json setting, const Json& where) {
  const Json& scenario = member_or_null(setting, "/spec/scenario");
  const Json changed = scenario.is_string()
                           ? where.value(scenario.get<std::string>(), Json::object())
                           : Json::object();
  const Json flat = changed.flatten();
  for (const auto& [pointer, value] : flat.items())
    if (!pointer.empty()) setting["spec"][Json::json_pointer(pointer)] = nullptr;
  for (const auto& [section, fields] : kDecides)
    if (changed.contains(section))
      for (const char* field : fields)
        setting["identity"][field] = nullptr;
  return setting;
}

}  // namespace

Conditions conditions_of(const std::vector<Arm>& arms, const char* axis) {
  Conditions conditions;
  for (const Arm& arm : arms) {
    Json setting = as_json(arm.setting->setting);
    if (axis != nullptr) setting["spec"][Json::json_pointer(axis)] = nullptr;
    conditions.settings.emplace(arm.scenario, std::move(setting));
    conditions.policies.emplace(arm.trials->policy, arm.trials->policy_fields);
  }
  return conditions;
}

std::string apart(const Conditions& control, const Conditions& contrast, const Json& where) {
  for (const auto& [name, setting] : control.settings) {
    const auto other = contrast.settings.find(name);
    if (other == contrast.settings.end()) continue;
    const Json differing = differences(without(setting, where), without(other->second, where));
    if (!differing.empty()) return concat("on ", name, ", ", in_words(differing));
  }
  for (const auto& [name, fields] : control.policies) {
    const auto other = contrast.policies.find(name);
    if (other == contrast.policies.end()) continue;
    const Json differing = policy_differences(fields, other->second);
    if (!differing.empty()) return concat("under ", name, ", ", in_words(differing));
  }
  return "";
}

}  // namespace dtbench
