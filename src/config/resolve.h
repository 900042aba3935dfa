// From scenario, preset, file, environment and command line to one resolved RunSpec.
// Precedence: command line > environment (DTBENCH_*) > file > preset > scenario.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/run_spec.h"

namespace dtbench {

// One `key = value` from the command line ("train.steps=20") or the environment.
struct Setting {
  std::string key;
  std::string value;
  std::string origin;  // "--set", "--steps", "DTBENCH_TRAIN_STEPS": for messages
};

struct ResolveRequest {
  std::filesystem::path configs;  // the folder with policies/, scenarios/, presets/
  std::string scenario;           // required unless the file names it
  std::string policy;             // a name in configs/policies, or a path to a .toml file
  std::string preset;             // "" : the file's, else "base"
  std::filesystem::path file;     // "" : none
  std::vector<Setting> command_line;
  std::vector<Setting> environment;  // from settings_from_environment
};

// Throws Error (usage): unknown scenario, policy, preset or key (with the nearest), bad value.
RunSpec resolve(const ResolveRequest& request);

// DTBENCH_<KEY> for every settable key, dots as underscores, upper case: DTBENCH_TRAIN_STEPS.
// Throws Error (usage) for a DTBENCH_* variable that is neither such a key nor one of the program's
// own (DTBENCH_TORCH, DTBENCH_CACHE, DTBENCH_CONFIGS, ...).
std::vector<Setting> settings_from_environment(char** environ);

std::vector<std::string> settable_keys();  // "seed", "model.layers", ..., "train.steps", ...

// Names in the folder, sorted; and one policy by name or path.
std::vector<std::string> policy_names(const std::filesystem::path& configs);
DtypePolicy load_policy(const std::filesystem::path& configs, const std::string& name_or_path);

}  // namespace dtbench
