// The matrix for a terminal.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// Of report_data(): what fp32_true reached and how far the other policies ended from it, or how
// they ended otherwise; below it where each dead cell met its first non-finite value.
std::string matrix_text(const Json& data);

}  // namespace dtbench
