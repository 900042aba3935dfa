#include "config/resolve.h"

#include "base/error.h"
#include "base/text.h"
#include "config/config_files.h"
#include "config/draft.h"
#include "config/fields.h"
#include "config/settings.h"
#include "config/toml_file.h"

namespace dtbench {
namespace {

// Takes `key` out of a table: what configures the configuration rather than the run.
Json take(Json& table, const std::string& key) {
  Json value = table.value(key, Json());
  table.erase(key);
  return value;
}

// The choice of scenario, preset or policy by whoever has the highest precedence.
std::string select(const std::string& key, const std::string& flag, const ResolveRequest& request,
                   const Json& file, const std::string& otherwise) {
  if (file.contains(key) && !file.at(key).is_string())
    throw wrong_value({key, request.file.string()}, "text", file.at(key));
  if (!flag.empty()) return flag;
  std::string chosen = file.value(key, otherwise);
  for (const std::vector<Setting>* source : {&request.environment, &request.command_line})
    for (const Setting& setting : *source)
      if (setting.key == key) chosen = setting.value;
  return chosen;
}

void require_chosen(const std::string& what, const std::string& value,
                    const std::filesystem::path& configs, ConfigKind kind) {
  if (value.empty())
    throw usage_error(
        concat("No ", what, " is given."),
        concat("--", what, " NAME. Known: ", join(config_names(configs, kind), ", "), "."));
}

// The generated corpus has a size, other sources have none to set.
void drop_synthetic_size(Draft& draft) {
  draft.set_default("data.synthetic_documents", 0);
  draft.set_default("data.synthetic_labels", 0);
}

// How much of its data set a scenario takes says nothing about another.
void drop_limits(Draft& draft) {
  draft.set_default("data.examples", 0);
  draft.set_default("data.bytes", 0);
}

}  // namespace

bool is_given(const ResolveRequest& request, const std::string& key) {
  for (const std::vector<Setting>* source : {&request.environment, &request.command_line})
    if (std::any_of(source->begin(), source->end(),
                    [&](const Setting& setting) { return setting.key == key; }))
      return true;
  return !request.file.empty() && read_toml_file(request.file).contains(key_pointer(key));
}

RunSpec resolve(const ResolveRequest& request) {
  Json file = request.file.empty() ? Json::object() : read_toml_file(request.file);
  const std::string scenario_name = select("scenario", request.scenario, request, file, "");
  const std::string policy_name = select("policy", request.policy, request, file, "");
  const std::string preset_name = select("preset", request.preset, request, file, "base");
  for (const char* key : {"scenario", "policy", "preset"})
    take(file, key);

  require_chosen("scenario", scenario_name, request.configs, ConfigKind::kScenario);
  require_chosen("policy", policy_name, request.configs, ConfigKind::kPolicy);
  ConfigFile scenario = load_config_or_file(request.configs, ConfigKind::kScenario, scenario_name);
  ConfigFile preset = load_config(request.configs, ConfigKind::kPreset, preset_name);
  const DtypePolicy policy = load_policy(request.configs, policy_name);

  take(scenario.content, "description");
  take(preset.content, "description");

  Draft draft;
  draft.lay_over(scenario.content, scenario.origin, Authority::kScenario);
  const std::string data_of_scenario = draft.text("data.source");
  draft.lay_over(preset.content, preset.origin, Authority::kScenario);
  draft.lay_over({{"scenario", scenario.name}, {"preset", preset.name}}, "", Authority::kScenario);
  draft.lay_over(file, request.file.string(), Authority::kUser);
  for (const std::vector<Setting>* source : {&request.environment, &request.command_line})
    for (const Setting& setting : *source)
      if (!is_selector(setting.key)) draft.lay_over(setting);

  if (draft.text("data.source") != data_of_scenario) drop_limits(draft);
  if (draft.text("data.source") != "synthetic") drop_synthetic_size(draft);
  if (draft.set_by_user("data.vocab") || draft.set_by_user("data.merges"))
    draft.set_default("data.tokenizer", "");
  return draft.finish(policy);
}

}  // namespace dtbench
