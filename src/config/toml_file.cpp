#include "config/toml_file.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace dtbench {
namespace {

Json to_json(const toml::node& node, const std::string& file) {
  if (const toml::table* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table)
      object[std::string(key.str())] = to_json(value, file);
    return object;
  }
  if (const toml::array* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& element : *array)
      list.push_back(to_json(element, file));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* boolean = node.as_boolean()) return boolean->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  throw usage_error(
      concat("'", file, "', line ", node.source().begin.line, ": a date or time is not a setting."),
      "Write text in quotes.");
}

// Where the string that begins at `at` ends: behind its quotes, or at the end of its line or text.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const std::string quote(1, text[at]), long_quote(3, text[at]);
  const bool is_long = text.substr(at).starts_with(long_quote);
  const std::string& end = is_long ? long_quote : quote;
  for (at += end.size(); at < text.size() && (is_long || text[at] != '\n'); ++at) {
    if (text.substr(at).starts_with(end)) return at + end.size();
    if (text[at] == '\\' && end[0] == '"') ++at;
  }
  return std::min(at, text.size());
}

// A dotted key makes a table in a table for each of its parts, which the parser and what follows
// recur over. Settings have a handful of parts.
void require_shallow_keys(std::string_view text, const std::string& file) {
  constexpr int kMostParts = 32;
  int parts = 1, line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = end_of_string(text, i);
      line += static_cast<int>(std::count(text.begin() + i, text.begin() + end, '\n'));
      i = end - 1;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '\n' || c == '=' || c == ',' || c == '[' || c == '{') {
      parts = 1;
      line += c == '\n';
    } else if (c == '.' && ++parts > kMostParts) {
      throw usage_error(concat("'", file, "', line ", line, ": expected keys of at most ",
                               kMostParts, " parts, found more."),
                        "docs/configuration.md and the files in configs/ show how settings are "
                        "written.");
    }
  }
}

}  // namespace

Json read_toml_file(const std::filesystem::path& path) {
  const std::optional<std::string> text = read_file(path);
  if (!text) throw not_there(path, "a TOML file");
  require_shallow_keys(*text, path.string());
  try {
    return to_json(toml::parse(*text, path.string()), path.string());
  } catch (const toml::parse_error& error) {
    const toml::source_position place = error.source().begin;
    throw usage_error(
        concat("'", path.string(), "', line ", place.line, ", column ", place.column,
               ": not valid TOML: ", error.description(), "."),
        "docs/configuration.md and the files in configs/ show how settings are written.");
  }
}

}  // namespace dtbench
