#include "config/config_files.h"

#include <algorithm>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"
#include "config/toml_file.h"

namespace dtbench {
namespace {

struct Kind {
  const char* folder;
  const char* noun;
};

Kind kind_of(ConfigKind kind) {
  switch (kind) {
    case ConfigKind::kPolicy:
      return {"policies", "policy"};
    case ConfigKind::kScenario:
      return {"scenarios", "scenario"};
    case ConfigKind::kHypothesis:
      return {"hypotheses", "hypothesis"};
    case ConfigKind::kMatrix:
      return {"matrices", "matrix"};
    case ConfigKind::kStudy:
      return {"studies", "study"};
    case ConfigKind::kPreset:
      break;
  }
  return {"presets", "preset"};
}

bool is_config_path(const std::filesystem::path& path) {
  return path.extension() == ".toml";
}

// Records and reports call a policy by its name, and hold all others against the one called
// fp32_true.
void require_own_name(const std::filesystem::path& configs, const DtypePolicy& policy,
                      const std::string& origin) {
  const std::vector<std::string> shipped = policy_names(configs);
  if (std::find(shipped.begin(), shipped.end(), policy.name) == shipped.end()) return;
  if (to_json(load_policy(configs, policy.name)) == to_json(policy)) return;
  throw usage_error(
      concat("The policy in ", origin, " differs from the shipped policy of the same name, '",
             policy.name, "'."),
      "Rename the file.");
}

}  // namespace

std::vector<std::string> config_names(const std::filesystem::path& configs, ConfigKind kind) {
  const std::filesystem::path folder = configs / kind_of(kind).folder;
  std::error_code error;
  std::filesystem::directory_iterator files(folder, error);
  const bool absent =
      error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  if (error && !absent) throw unreadable(folder, error);
  if (error)
    throw usage_error(
        concat("Cannot list the folder '", folder.string(), "': ", error.message(), "."),
        "DTBENCH_CONFIGS names the folder that holds policies, scenarios, presets and hypotheses.");
  std::vector<std::string> names;
  for (const auto& file : files)
    if (is_config_path(file.path())) names.push_back(file.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

ConfigFile load_config(const std::filesystem::path& configs, ConfigKind kind,
                       const std::string& name) {
  const std::vector<std::string> known = config_names(configs, kind);
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw usage_error(concat("Unknown ", kind_of(kind).noun, " '", name, "'."),
                      suggestion(name, known));
  const std::filesystem::path path = configs / kind_of(kind).folder / (name + ".toml");
  return {name, path.string(), read_toml_file(path)};
}

std::string scenario_of(const std::filesystem::path& configs, const std::string& architecture,
                        const std::string& objective) {
  std::vector<std::string> cells;
  for (const std::string& name : config_names(configs, ConfigKind::kScenario)) {
    const Json content = load_config(configs, ConfigKind::kScenario, name).content;
    const std::string its_objective = content.value("objective", "");
    const std::string its_architecture =
        content.value(Json::json_pointer("/model/architecture"), std::string());
    if (its_objective == objective && its_architecture == architecture) return name;
    cells.push_back(concat(its_architecture, " ", its_objective, " (", name, ")"));
  }
  throw usage_error(concat("No scenario trains the architecture '", architecture, "' on the task '",
                           objective, "'."),
                    "One of: " + join(cells, ", ") + ".");
}

ConfigFile load_config_or_file(const std::filesystem::path& configs, ConfigKind kind,
                               const std::string& name_or_path) {
  const std::filesystem::path path = name_or_path;
  return is_config_path(path) ? ConfigFile{path.stem().string(), name_or_path, read_toml_file(path)}
                              : load_config(configs, kind, name_or_path);
}

std::vector<std::string> policy_names(const std::filesystem::path& configs) {
  return config_names(configs, ConfigKind::kPolicy);
}

DtypePolicy load_policy(const std::filesystem::path& configs, const std::string& name_or_path) {
  const ConfigFile file = load_config_or_file(configs, ConfigKind::kPolicy, name_or_path);
  Json content = file.content;
  if (content.contains("name"))
    throw usage_error(concat("Unknown key 'name' in ", file.origin, "."),
                      "A policy's name is its file's name; leave the key out.");
  content["name"] = file.name;
  const DtypePolicy policy = policy_from_json(content, file.origin);
  if (is_config_path(name_or_path)) require_own_name(configs, policy, file.origin);
  return policy;
}

}  // namespace dtbench
