// Text for a terminal.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Rows with their columns aligned to the left, one line each.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

// A value for people: "-" for null, six digits of a number, text without quotes.
std::string readable(const Json& value);

// An object's members, one a line, nested ones indented.
std::string readable_members(const Json& object, int indent);

// The value at a JSON pointer, null where there is none: records may be damaged.
Json member_or_null(const Json& value, const char* pointer);

}  // namespace dtbench
