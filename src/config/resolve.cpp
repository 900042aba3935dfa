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

// A preset's `required` lists what it cannot know, such as the path of real data.
void require_given(const ConfigFile& preset, const Json& required, const Draft& draft) {
  if (!required.is_array()) return;
  const auto given = [&](const std::string& key) {
    const bool in_tokenizer = key == "data.vocab" || key == "data.merges";
    return draft.set_by_user(key) || (in_tokenizer && draft.set_by_user("data.tokenizer"));
  };
  std::vector<std::string> missing;
  for (const Json& key : required)
    if (!given(key.get<std::string>())) missing.push_back(key.get<std::string>());
  if (missing.empty()) return;
  throw usage_error(
      concat("The preset '", preset.name, "' trains on real data, and ", join(missing, ", "),
             missing.size() == 1 ? " is" : " are", " not given."),
      "--data FILE --tokenizer tokenizer.json (or --vocab vocab.json --merges merges.txt), or "
      "--preset tiny, which brings generated data.");
}

void require_chosen(const std::string& what, const std::string& value,
                    const std::filesystem::path& configs, ConfigKind kind) {
  if (value.empty())
    throw usage_error(
        concat("No ", what, " is chosen."),
        concat("--", what, " NAME. Known: ", join(config_names(configs, kind), ", "), "."));
}

// The generated corpus has a size, a file has none to set.
void drop_synthetic_size(Draft& draft) {
  draft.set_default("data.synthetic_documents", 0);
  draft.set_default("data.synthetic_labels", 0);
}

}  // namespace

RunSpec resolve(const ResolveRequest& request) {
  Json file = request.file.empty() ? Json::object() : read_toml_file(request.file);
  const std::string scenario_name = select("scenario", request.scenario, request, file, "");
  const std::string policy_name = select("policy", request.policy, request, file, "");
  const std::string preset_name = select("preset", request.preset, request, file, "base");
  for (const char* key : {"scenario", "policy", "preset"})
    take(file, key);

  require_chosen("scenario", scenario_name, request.configs, ConfigKind::kScenario);
  require_chosen("policy", policy_name, request.configs, ConfigKind::kPolicy);
  ConfigFile scenario = load_config(request.configs, ConfigKind::kScenario, scenario_name);
  ConfigFile preset = load_config(request.configs, ConfigKind::kPreset, preset_name);
  const DtypePolicy policy = load_policy(request.configs, policy_name);

  take(scenario.content, "description");
  take(preset.content, "description");
  const Json required = take(preset.content, "required");

  Draft draft;
  draft.lay_over(scenario.content, scenario.origin, Authority::kScenario);
  draft.lay_over(preset.content, preset.origin, Authority::kScenario);
  draft.lay_over({{"scenario", scenario.name}, {"preset", preset.name}}, "", Authority::kScenario);
  draft.lay_over(file, request.file.string(), Authority::kUser);
  for (const std::vector<Setting>* source : {&request.environment, &request.command_line})
    for (const Setting& setting : *source)
      if (!is_selector(setting.key)) draft.lay_over(setting);

  require_given(preset, required, draft);
  if (draft.text("data.source") != "synthetic") drop_synthetic_size(draft);
  return draft.finish(policy);
}

}  // namespace dtbench
