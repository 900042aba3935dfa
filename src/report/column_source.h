// Where a table's columns come from.
#pragma once

#include "report/table.h"

namespace dtbench {

struct ColumnSource {
  const char* name;
  const char* pointer;  // a JSON pointer, into what a row is made of
  ColumnType type;
};

inline constexpr auto kText = ColumnType::kText, kFlag = ColumnType::kFlag;
inline constexpr auto kWhole = ColumnType::kWhole, kReal = ColumnType::kReal;

}  // namespace dtbench
