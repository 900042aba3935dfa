// What `analyse` prints for people.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// Records, comparisons, learning rates and verdicts of analyse() (src/analysis/analyse.h) as
// tables.
std::string records_text(const Json& analysis);
std::string comparisons_text(const Json& analysis);
std::string rates_text(const Json& analysis);  // empty where no scenario has several rates
std::string verdicts_text(const Json& analysis);

}  // namespace dtbench
