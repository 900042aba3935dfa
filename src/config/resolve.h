// From scenario, preset, file, environment and command line to one resolved RunSpec.
// Precedence: command line > environment (DTBENCH_*) > file > preset > scenario.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config_files.h"
#include "config/run_spec.h"
#include "config/settings.h"

namespace dtbench {

struct ResolveRequest {
  std::filesystem::path configs;  // the folder with policies/, scenarios/, presets/
  std::string scenario;        // a name in configs/scenarios, or a path to a .toml file; required
                               // unless the file names it
  std::string policy;          // a name in configs/policies, or a path to a .toml file
  std::string preset;          // "" : the file's, else "base"
  std::filesystem::path file;  // "" : none
  std::vector<Setting> command_line;
  std::vector<Setting> environment;  // from settings_from_environment
};

// Whether somebody set the key: on the command line, in the environment or in the file.
bool is_given(const ResolveRequest& request, const std::string& key);

// Throws Error (usage): unknown scenario, policy, preset or key (with the nearest), bad value.
RunSpec resolve(const ResolveRequest& request);

}  // namespace dtbench
