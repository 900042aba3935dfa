// explain.json of a run's folder.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/json.h"

namespace dtbench {

struct ExplainOptions {
  std::filesystem::path run_directory;  // of a cell that has ended
  std::filesystem::path store;
  std::filesystem::path initial_weights;  // as in CellOptions
  std::int64_t replays = 10;              // as in Death
};

// Inquires (inquiry.h), writes explain.json and returns it. Throws Error (usage) where there is
// nothing to explain: no result, a run that was interrupted or stayed finite.
Json explain(const ExplainOptions& options);

}  // namespace dtbench
