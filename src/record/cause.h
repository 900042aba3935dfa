// Where a cell met its first non-finite value, and why, where somebody has found out.
#pragma once

#include <string>

#include "record/run_directory.h"

namespace dtbench {

// A few words ("second moments underflow"): `cause` of explain.json; "" where there is none.
std::string cause_of(const RunRecord& run);

// "step 7, nan in attention of transformer.h.0.attn (forward)", of a result's first_nonfinite:
// where it arose, if that is known, else in what it was found.
std::string first_nonfinite_in_words(const Json& first);

}  // namespace dtbench
