// What `analyse` prints for people.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// Records, comparisons and verdicts of analyse() (src/analysis/analyse.h) as tables.
std::string records_text(const Json& analysis);
std::string comparisons_text(const Json& analysis);
std::string verdicts_text(const Json& analysis);

}  // namespace dtbench
