// A shadow of a recorded run, as `dtbench explain --against` asks for it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/json.h"

namespace dtbench {

struct ShadowOptions {
  std::filesystem::path run_directory;
  std::filesystem::path store;
  std::filesystem::path initial_weights;  // as in CellOptions
  Json against;                           // the other's spec
  std::int64_t from = 0;                  // the first step that is compared
  std::int64_t steps = 3;
};

// Changes nothing in the run's folder. The answer: docs/record-schema.md, "A shadow". Throws Error
// (usage) for what cannot be compared.
Json explain_against(const ShadowOptions& options);

}  // namespace dtbench
