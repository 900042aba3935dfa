// What the Parquet writer exports to report/parquet_file.cpp.
#pragma once

#include <string>
#include <vector>

#include "report/record_table.h"

// Throws dtbench::Error.
extern "C" __attribute__((visibility("default"))) void dtbench_write_parquet(
    const std::vector<dtbench::TableColumn>& table, std::string& bytes);
