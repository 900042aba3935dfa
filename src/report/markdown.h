// The report's first screen as Markdown: the answer, the matrix, the verdicts, what is missing.
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

std::string markdown_report(const Json& data);  // report_data

}  // namespace dtbench
