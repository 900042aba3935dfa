// Where a run's step spent its time (profile.json), for a terminal.
#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"

namespace dtbench {

// Null where the run has no profile, or one that cannot be read.
Json read_profile(const std::filesystem::path& run);

// A line a part of the step, the slowest first: its time, its share of the step, the least that it
// could take, and how often longer it took.
std::string profile_text(const Json& profile);

}  // namespace dtbench
