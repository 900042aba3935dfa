// A scenario in words.
#pragma once

#include <string>

#include "base/json.h"
#include "config/model_family.h"
#include "config/task.h"

namespace dtbench {

// "GPT-2, causal language model", from the architecture and the objective of a spec. What no loaded
// extension knows is called by its name.
inline std::string scenario_title(const Json& architecture, const Json& objective) {
  const auto title = [](const auto* entry, const Json& name) {
    return entry != nullptr ? entry->title : text_or(name, "unknown");
  };
  return title(registry<ModelFamily>().find(text_or(architecture, "")), architecture) + ", " +
         title(registry<Task>().find(text_or(objective, "")), objective);
}

}  // namespace dtbench
