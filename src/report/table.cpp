#include "report/table.h"

#include <string_view>

#include "analysis/json_access.h"
#include "base/text.h"

namespace dtbench {
namespace {

bool is_of(ColumnType type, const Json& value) {
  switch (type) {
    case ColumnType::kText:
      return value.is_string();
    case ColumnType::kWhole:
      return value.is_number_integer();
    case ColumnType::kReal:
      return number_or_none(value).has_value();
    case ColumnType::kFlag:
      return value.is_boolean();
  }
  return false;
}

// A spreadsheet computes a cell that begins so; text from a record stays text behind an apostrophe
// (OWASP, "CSV Injection"). Numbers are numbers.
std::string defused(const std::string& text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos
             ? "'" + text
             : text;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text)
    field += c == '"' ? std::string("\"\"") : std::string(1, c);
  return field + '"';
}

std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  return quoted(value.is_string() ? defused(value.get<std::string>()) : value.dump());
}

}  // namespace

void TableColumn::add(Json value) {
  values.push_back(is_of(type, value) ? std::move(value) : Json());
}

std::string csv_text(const Table& table) {
  std::vector<std::string> fields;
  for (const TableColumn& column : table)
    fields.push_back(column.name);
  std::string text = join(fields, ",") + "\r\n";
  for (std::size_t row = 0; row < table.front().values.size(); ++row) {
    fields.clear();
    for (const TableColumn& column : table)
      fields.push_back(csv_field(column.values[row]));
    text += join(fields, ",") + "\r\n";
  }
  return text;
}

}  // namespace dtbench
