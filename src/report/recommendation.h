// "Use X here, because": for each row of the matrix the fastest policy that loses nothing. The rule
// is in docs/report.md.
#pragma once

#include "base/json.h"

namespace dtbench {

// `row`: row_json. {"policy" (null: none can be recommended), "firm", "because", "provisos": what
// weakens it, "against": policy -> why it was passed over}.
Json recommendation(const Json& row);

// All rows' recommendations in a sentence.
std::string answer(const Json& rows);

}  // namespace dtbench
