// Numbers of an analysis for people.
#pragma once

#include <string>

#include "base/json.h"
#include "base/text.h"

namespace dtbench {

// By printf's `format`; "-" for null, the text of what is not finite.
inline std::string fixed(const Json& value, const char* format) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) return "-";
  return formatted(format, value.get<double>());
}

// " [low, high]"; "" where there is no interval.
inline std::string interval(const Json& summary, const char* format) {
  if (summary.at("low").is_null()) return "";
  return concat(" [", fixed(summary.at("low"), format), ", ", fixed(summary.at("high"), format),
                "]");
}

}  // namespace dtbench
