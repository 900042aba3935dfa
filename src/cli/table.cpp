#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"

namespace dtbench {
namespace {

// Code points, so that columns with more than ASCII stay aligned.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string readable(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value.get<double>());
  return text.data();
}

std::string readable_members(const Json& object, int indent) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string text;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : object.items())
    if (!value.is_object()) rows.push_back({margin + name, readable(value)});
  text += aligned(rows);
  for (const auto& [name, value] : object.items())
    if (value.is_object()) text += concat(margin, name, "\n", readable_members(value, indent + 2));
  return text;
}

Json member_or_null(const Json& value, const char* pointer) {
  const Json::json_pointer place(pointer);
  return value.is_object() && value.contains(place) ? value.at(place) : Json();
}

}  // namespace dtbench
