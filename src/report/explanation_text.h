// What `dtbench explain` says on a terminal.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// One screen of explain.json (docs/record-schema.md): whether the machine or arithmetic, where, by
// which mechanism, proved by what.
std::string explanation_text(const Json& explanation);

}  // namespace dtbench
