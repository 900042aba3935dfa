// "Use X here, because": for each row of the matrix the fastest policy that loses nothing; below
// five pairs of seeds no more than "fastest finite so far". The rule is in docs/report.md.
#pragma once

#include "base/json.h"

namespace dtbench {

// `row`: row_json. {"policy" (null: none can be named), "strength" ("firm", "provisional",
// "so_far", null), "because", "provisos": what weakens it, "against": policy -> why it was passed
// over}.
Json recommendation(const Json& row);

}  // namespace dtbench
