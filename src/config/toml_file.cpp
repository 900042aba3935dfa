#include "config/toml_file.h"

#include <fstream>
#include <sstream>

#include "base/error.h"
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

}  // namespace

Json read_toml_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path))
    throw usage_error(concat("Cannot read the TOML file '", path.string(), "'."),
                      "Check that the path is right and the file is readable.");
  std::ostringstream text;
  text << in.rdbuf();
  try {
    return to_json(toml::parse(text.str(), path.string()), path.string());
  } catch (const toml::parse_error& error) {
    const toml::source_position place = error.source().begin;
    throw usage_error(
        concat("'", path.string(), "', line ", place.line, ", column ", place.column,
               ": not valid TOML: ", error.description(), "."),
        "docs/configuration.md and the files in configs/ show how settings are written.");
  }
}

}  // namespace dtbench
