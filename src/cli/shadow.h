// A run beside another: the same steps under another policy, on another device or with another form
// of attention, computed by the engine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"

namespace dtbench {

struct ShadowRequest {
  std::filesystem::path run;  // its folder
  std::string against;        // a policy's name or file; else another run as find_run takes it
  std::string root;           // of records
  std::int64_t from = 0;
  std::int64_t steps = 3;
};

// As docs/record-schema.md has it. Throws Error (usage) where `against` names nothing, or a run of
// other data, seed or model, which it lists; and Ended as ask_engine does.
Json shadow_of(const ShadowRequest& request);

}  // namespace dtbench
