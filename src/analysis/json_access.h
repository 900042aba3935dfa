// Comparing records, and numbers that may not exist.
#pragma once

#include <optional>
#include <string>

#include "analysis/interval.h"
#include "base/json.h"

namespace dtbench {

// A number, or "NaN", "Infinity", "-Infinity"; nothing for anything else.
std::optional<double> number_or_none(const Json& value);

// The fields in which two values differ, by their dotted names: [{"field", "here", "there"}], null
// where one side lacks it.
Json differences(const Json& here, const Json& there);

// Adds "low" and "high", null without an interval.
void put_interval(Json& object, const std::optional<Interval>& interval);

}  // namespace dtbench
