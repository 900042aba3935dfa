#include "base/json.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {

Json json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

double number_from_json(const Json& value, const std::string& field) {
  if (value.is_number()) return value.get<double>();
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value == "Infinity") return std::numeric_limits<double>::infinity();
  if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
  throw usage_error(concat("Field '", field, "' must be a number, \"NaN\", \"Infinity\" or ",
                           "\"-Infinity\", got ", value.dump(), "."));
}

std::string canonical_json(const Json& value) {
  return value.dump();
}

std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string text_or(const Json& value, const std::string& otherwise) {
  return value.is_string() ? value.get<std::string>() : otherwise;
}

Json member_or_null(const Json& value, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  return value.is_object() && value.contains(place) ? value.at(place) : Json();
}

Json read_json_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw system_error("Cannot read", path.string());
  try {
    return Json::parse(in);
  } catch (const Json::parse_error& error) {
    throw usage_error(concat("'", path.string(), "' is not valid JSON: ", error.what(), "."),
                      "Check that it is the right file and complete; write or copy it again.");
  }
}

}  // namespace dtbench
