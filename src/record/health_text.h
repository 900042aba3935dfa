// Why a run's numbers went wrong, as its record tells by itself (health.jsonl), for a terminal.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// The lines of health.jsonl that can be read; none where there is no such file, or it cannot be
// opened. RunRecord::damage tells of either.
std::vector<Json> read_health(const std::filesystem::path& run);

// A line for the first value that was not finite, and one for spikes: how many and the first of
// them, each with its reason. Empty where nothing happened.
std::string health_text(const std::vector<Json>& health);

}  // namespace dtbench
