// How far a run is, from the end of its steps.jsonl: cheap enough to ask ten times a second.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace dtbench {

struct LastStep {
  std::int64_t done = 0;  // steps so far
  double loss = 0;
  double seconds = 0;  // of the step
  double samples_per_s = 0;
};

// Nothing before the first whole line, or where that line is no step.
std::optional<LastStep> last_step(const std::filesystem::path& run);

}  // namespace dtbench
