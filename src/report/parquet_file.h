// A table as a Parquet file, written by a plug-in that is loaded when it is asked for (ADR 0011).
#pragma once

#include <string>

#include "report/table.h"

namespace dtbench {

// The file's bytes. Throws Error (permanent) where the plug-in is not there.
std::string parquet_bytes(const Table& table);

}  // namespace dtbench
