// Hypotheses as they are read.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/hypothesis.h"

namespace dtbench {

// Throws Error (usage) for unknown keys, with the nearest, for values that make no sense, and for a
// plan that could not decide even with the best outcome there is.
Hypothesis hypothesis_from_json(const Json& json, const std::string& name,
                                const std::string& origin);

// All files of the folder, by name. Throws also for scenarios and policies that are in no file, and
// for plans that cannot decide at the level that Holm's adjustment leaves the first of a family.
std::vector<Hypothesis> load_hypotheses(const std::filesystem::path& configs);

}  // namespace dtbench
