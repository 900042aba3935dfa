// Flat tables, as CSV and Parquet hold them.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

enum class ColumnType { kText, kWhole, kReal, kFlag };

struct TableColumn {
  std::string name;
  ColumnType type;
  std::vector<Json> values;  // of the type, or null; reals that are not finite by json_number

  // Null instead of a value of another type: a record of another's making may hold anything.
  void add(Json value);
};

// All columns have one length.
using Table = std::vector<TableColumn>;

// RFC 4180, with a header; null is empty.
std::string csv_text(const Table& table);

}  // namespace dtbench
