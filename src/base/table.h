// Text for a terminal.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kProse = 100;  // characters of a line of prose

struct Layout {
  std::size_t first_right = std::string::npos;  // this column and those after it: to the right
  std::size_t gap = 2;                          // blanks between columns
};

// Rows with their columns aligned, one line each.
std::string aligned(const Rows& rows, const Layout& layout = {});

// Characters, so that columns with more than ASCII stay aligned.
std::size_t width_of(const std::string& text);

// At most `width` characters of a text.
std::string cut(const std::string& text, std::size_t width);

// Lines of at most `width` characters, broken at blanks.
std::string wrapped(const std::string& text, std::size_t width);

// A value for people: "-" for null, six digits of a number, text without quotes.
std::string readable(const Json& value);

// "2 damaged, 1 failed" of {"damaged": 2, "failed": 1}; "none" of nothing.
std::string counts_text(const Json& counts);

// An object's members, one a line, nested ones indented.
std::string readable_members(const Json& object, int indent);

}  // namespace dtbench
