// Why a cell met a non-finite value, where somebody has found out.
#pragma once

#include <string>

#include "record/run_directory.h"

namespace dtbench {

// A few words ("overflow in attention"): `cause` of result.json's first_nonfinite or of
// explain.json; "" where neither says.
std::string cause_of(const RunRecord& run);

}  // namespace dtbench
