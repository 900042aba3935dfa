// The records as one flat table, a row each: what CSV and Parquet hold. The columns:
// docs/report.md.
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
};

// `data`: report_data. All columns have one length.
std::vector<TableColumn> record_table(const Json& data);

// RFC 4180, with a header; null is empty.
std::string csv_report(const Json& data);

}  // namespace dtbench
