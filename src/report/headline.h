// What all rows of the matrix say together.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// In one line: which policies to use, or which are the fastest so far, and which to avoid. `rows`:
// row_json with recommendations.
std::string headline(const Json& rows);

// Three plain sentences for the end of a matrix: what trained and what died, what was lost without
// dying, and what that is worth.
Json closing(const Json& rows);

}  // namespace dtbench
