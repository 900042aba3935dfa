// What `dtbench explain --against` says on a terminal.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// One screen of a shadow (docs/record-schema.md): the first operation whose error rounding does not
// explain, a line a layer, a line a step.
std::string shadow_text(const Json& shadow);

}  // namespace dtbench
