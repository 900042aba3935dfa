// Reading records that may lack a field, and writing numbers that may not exist.
#pragma once

#include <optional>
#include <string>

#include "analysis/interval.h"
#include "base/json.h"

namespace dtbench {

// The value at a JSON pointer, null where there is none.
inline Json at_or_null(const Json& value, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  return value.is_object() && value.contains(place) ? value.at(place) : Json();
}

// A number, or "NaN", "Infinity", "-Infinity"; nothing for anything else.
std::optional<double> number_or_none(const Json& value);

// The fields in which two values differ, by their dotted names: [{"field", "here", "there"}], null
// where one side lacks it.
Json differences(const Json& here, const Json& there);

inline Json number_or_null(std::optional<double> value) {
  return value ? json_number(*value) : Json();
}

// Adds "low" and "high", null without an interval.
void put_interval(Json& object, const std::optional<Interval>& interval);

}  // namespace dtbench
