#include "analysis/evidence.h"

#include <algorithm>
#include <numeric>

#include "analysis/json_access.h"
#include "base/table.h"
#include "base/text.h"
#include "config/dotted_key.h"

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

Json with_policy(const SettingTrials& setting, const Json& policy_fields) {
  Json json = as_json(setting.setting);
  json["spec"]["policy"] = policy_fields;
  return json;
}

std::string value_in_words(const Json& value) {
  return value.is_null() ? "nothing" : readable(value);
}

// "train.bce_reduction mean and train.steps 600" of what a hypothesis asks of a scenario's spec.
std::string settings_in_words(const Json& settings) {
  std::vector<std::string> parts;
  const Json flat = settings.flatten();
  for (const auto& [pointer, value] : flat.items())
    parts.push_back(concat(readable(dotted_key(pointer)), " ", value_in_words(value)));
  return join(parts, " and ");
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

Json Evidence::where(const ScenarioPair& pair, const Variant& variant) const {
  Json all = hypothesis_.where;
  all.merge_patch(pair.where);
  all.merge_patch(variant.where);
  return all;
}

bool Evidence::fits(const Json& spec, const std::string& scenario, const Json& where) const {
  return member_or_null(spec, "/scenario") == scenario &&
         contains(spec, where.value(scenario, Json::object())) &&
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
                wanted.empty() ? "" : " with " + settings_in_words(wanted),
                hypothesis_.seeds == 0
                    ? std::string()
                    : concat(" among the planned seeds, ", hypothesis_.first_seed, " to ",
                             hypothesis_.first_seed + hypothesis_.seeds - 1));
}

Arm Evidence::arm(const std::string& scenario, const std::string& policy, const Json& where) const {
  Arm arm;
  arm.scenario = scenario;
  for (const SettingTrials& setting : pairing_.settings) {
    if (!fits(setting.setting.spec, scenario, where)) continue;
    for (const Trials& trials : setting.policies) {
      if (trials.policy != policy || !any_planned(trials)) continue;
      if (arm.trials != nullptr) {
        const Json apart = differences(with_policy(*arm.setting, arm.trials->policy_fields),
                                       with_policy(setting, trials.policy_fields));
        arm.trials = nullptr;
        arm.problem = concat(policy, " was run under more than one setting on ", scenario,
                             ", which differ in ", in_words(apart),
                             "; choose one by 'where' in the hypothesis' file, or keep the runs in "
                             "folders of their own");
        return arm;
      }
      arm.setting = &setting;
      arm.trials = &trials;
    }
  }
  if (arm.trials == nullptr) {
    arm.problem = nothing_fits(scenario, policy, where);
    arm.absent = true;
  }
  return arm;
}

bool Evidence::any_planned(const Trials& trials) const {
  return std::any_of(trials.pairs.begin(), trials.pairs.end(), [&](const Pair& pair) {
    return pair.cell->seed >= hypothesis_.first_seed &&
           pair.cell->seed < hypothesis_.first_seed + hypothesis_.seeds;
  });
}

std::vector<std::int64_t> Evidence::planned_seeds(std::int64_t look) const {
  std::vector<std::int64_t> seeds(static_cast<std::size_t>(look));
  std::iota(seeds.begin(), seeds.end(), hypothesis_.first_seed);
  return seeds;
}

std::map<std::int64_t, Pair> Arm::by_seed() const {
  std::map<std::int64_t, Pair> pairs;
  if (trials != nullptr)
    for (const Pair& pair : trials->pairs)
      pairs.emplace(pair.cell->seed, pair);
  return pairs;
}

std::string obstacle(const std::vector<Arm>& arms, const char* axis) {
  for (const Arm& arm : arms)
    if (!arm.problem.empty()) return arm.problem;
  const auto whole = [&](const Arm& arm) {
    Json json = as_json(arm.setting->setting);
    if (axis != nullptr) json["spec"][Json::json_pointer(axis)] = nullptr;
    return json;
  };
  for (const Arm& a : arms)
    for (const Arm& b : arms) {
      if (a.trials->policy == b.trials->policy)
        if (std::string what = different_policies(a.trials->policy, a.trials->policy_fields,
                                                  b.trials->policy_fields);
            !what.empty())
          return what;
      const bool same_scenario = a.scenario == b.scenario;
      const Json apart =
          same_scenario ? differences(whole(a), whole(b)) : differences(common(a), common(b));
      if (apart.empty()) continue;
      return same_scenario
                 ? concat("policies were run under different settings on ", a.scenario,
                          ", which differ in ", in_words(apart))
                 : concat(a.scenario, " and ", b.scenario, " differ in ", in_words(apart));
    }
  return "";
}

bool any_synthetic(const std::vector<Arm>& arms) {
  return std::any_of(arms.begin(), arms.end(), [](const Arm& arm) {
    return arm.setting != nullptr && arm.setting->synthetic();
  });
}

Json policy_differences(const Json& here, const Json& there) {
  return differences({{"policy", here}}, {{"policy", there}});
}

std::string different_policies(const std::string& name, const Json& here, const Json& there) {
  const Json differing = policy_differences(here, there);
  if (differing.empty()) return "";
  return concat("more than one policy is called ", name, "; they differ in ", in_words(differing),
                ". Give each a name of its own, or keep the runs in folders of their own");
}

std::string in_words(const Json& differing) {
  std::vector<std::string> parts;
  for (const Json& each : differing)
    parts.push_back(concat(readable(each.at("field")), " (", value_in_words(each.at("here")),
                           " and ", value_in_words(each.at("there")), ")"));
  return join(parts, ", ");
}

Completeness::Completeness(const std::vector<std::int64_t>& planned) {
  for (const std::int64_t seed : planned)
    whole_[seed] = true;
}

void Completeness::lacks(std::int64_t seed, const std::string& scenario,
                         const std::string& policy) {
  whole_[seed] = false;
  list_.push_back(concat("seed ", seed, " of ", policy, " on ", scenario));
}

std::int64_t Completeness::done() const {
  return std::count_if(whole_.begin(), whole_.end(), [](const auto& each) { return each.second; });
}

std::string Completeness::missing() const {
  constexpr std::size_t kShown = 3;
  const std::vector<std::string> first(
      list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, list_.size())));
  return join(first, ", ") +
         (list_.size() > kShown ? concat(" and ", list_.size() - kShown, " more") : "");
}

}  // namespace dtbench
