// explain.json of a run, made by the engine where it is not there yet.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/run_spec.h"

namespace dtbench {

struct ExplanationRequest {
  std::filesystem::path run;  // its folder
  std::int64_t replays = 10;  // with initial weights moved by one ulp; 0: no proof
  bool again = false;         // even where an explanation is there
};

// Throws Error (usage) for what is no run or stayed finite, and Ended with the engine's exit code
// where it failed.
Json explanation_of(const ExplanationRequest& request);

// What the engine's `command` prints of a run, whose data and initial weights are prepared as for
// training it. Throws Error for what keeps them from that, and Ended with the engine's exit code
// where it failed.
std::string ask_engine(const std::string& command, const std::filesystem::path& run,
                       const std::vector<std::string>& options);

// The spec of a run whose folder has its cell's name. Throws Error (usage).
RunSpec spec_of_run(const std::filesystem::path& run);

}  // namespace dtbench
