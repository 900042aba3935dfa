// What the Parquet writer exports to report/parquet_file.cpp.
#pragma once

#include <string>

#include "report/table.h"

// Throws dtbench::Error.
extern "C" __attribute__((visibility("default"))) void dtbench_write_parquet(
    const dtbench::Table& table, std::string& bytes);
