// Why a cell met a non-finite value, where somebody has found out.
#pragma once

#include <string>

#include "record/run_directory.h"

namespace dtbench {

// A few words ("second moments underflow"): `cause` of explain.json; "" where there is none.
std::string cause_of(const RunRecord& run);

}  // namespace dtbench
