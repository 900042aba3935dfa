#include "base/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>

#include "base/text.h"

namespace dtbench {
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string& text, std::size_t width) {
  std::size_t characters = 0, bytes = 0;
  for (; bytes < text.size(); ++bytes)
    if ((text[bytes] & 0xC0) != 0x80 && ++characters > width) break;
  return text.substr(0, bytes);
}

std::string aligned(const Rows& rows, const Layout& layout) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      if (i > 0) text += std::string(layout.gap, ' ');
      if (i >= layout.first_right) text += padding + row[i];
      if (i < layout.first_right) text += row[i] + (i + 1 < row.size() ? padding : "");
    }
    text += '\n';
  }
  return text;
}

std::string wrapped(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string lines;
  std::size_t column = 0;
  for (std::string word; words >> word;) {
    const bool fits = column > 0 && column + 1 + width_of(word) <= width;
    if (column > 0) lines += fits ? ' ' : '\n';
    column = width_of(word) + (fits ? column + 1 : 0);
    lines += word;
  }
  return lines + '\n';
}

std::string readable(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return printable(value.get<std::string>());
  if (!value.is_number_float()) return json_text(value);
  return formatted("%.6g", value.get<double>());
}

std::string counts_text(const Json& counts) {
  std::vector<std::string> parts;
  for (const auto& [what, count] : counts.items())
    parts.push_back(concat(count.dump(), ' ', what));
  return parts.empty() ? "none" : join(parts, ", ");
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

}  // namespace dtbench
