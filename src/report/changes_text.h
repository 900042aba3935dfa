// What `compare` prints for people.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

std::string changes_text(const Json& changes);  // changes() (src/analysis/changes.h)

}  // namespace dtbench
