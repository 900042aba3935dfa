// The table of records as a Parquet file, written by a plug-in that is loaded when it is asked for
// (ADR 0011).
#pragma once

#include <string>

#include "base/json.h"

namespace dtbench {

// The file's bytes. Throws Error (permanent) where the plug-in is not there. `data`: report_data.
std::string parquet_report(const Json& data);

}  // namespace dtbench
