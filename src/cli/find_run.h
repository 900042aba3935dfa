// A run that a user names.
#pragma once

#include <filesystem>
#include <string>

namespace dtbench {

// A run's folder, a cell id below `root`, or the beginning of one. Throws Error (usage) where none
// or several fit.
std::filesystem::path find_run(const std::string& name, const std::string& root);

}  // namespace dtbench
