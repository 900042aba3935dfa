// The folder of configurations: <configs>/{policies,scenarios,presets,hypotheses,
// matrices,studies}/<name>.toml.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/policy.h"

namespace dtbench {

enum class ConfigKind { kPolicy, kScenario, kPreset, kHypothesis, kMatrix, kStudy };

struct ConfigFile {
  std::string name;    // the file's name without .toml
  std::string origin;  // the file's path, for messages
  Json content;
};

// Names in the folder, sorted. Throws Error (usage) when the folder is not there.
std::vector<std::string> config_names(const std::filesystem::path& configs, ConfigKind kind);

// Throws Error (usage) for an unknown name, with the nearest.
ConfigFile load_config(const std::filesystem::path& configs, ConfigKind kind,
                       const std::string& name);

// By name, or a .toml file by its path, whose name is then the file's.
ConfigFile load_config_or_file(const std::filesystem::path& configs, ConfigKind kind,
                               const std::string& name_or_path);

// The scenario of one cell of Architecture x Task. Throws Error (usage) that lists the ones there
// are.
std::string scenario_of(const std::filesystem::path& configs, const std::string& architecture,
                        const std::string& objective);

// Names in the folder, sorted; and one policy by name or path.
std::vector<std::string> policy_names(const std::filesystem::path& configs);
DtypePolicy load_policy(const std::filesystem::path& configs, const std::string& name_or_path);

}  // namespace dtbench
