#include "base/json.h"

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {
namespace {

Json::parse_error fault(const std::string& what, std::size_t byte = 0) {
  return Json::parse_error::create(101, byte, what, nullptr);
}

// Builds the value, as the library's own parser does, and counts what it is made of: before the
// value exists, since a hostile one would take the memory or the stack that counting is to save.
class LimitedParser : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  LimitedParser(Json& value, const JsonLimits& limits)
      : json_sax_dom_parser(value), limits_(limits) {}

  bool null() { return count() && Base::null(); }
  bool boolean(bool value) { return count() && Base::boolean(value); }
  bool number_integer(number_integer_t value) { return count() && Base::number_integer(value); }
  bool number_unsigned(number_unsigned_t value) { return count() && Base::number_unsigned(value); }
  bool number_float(number_float_t value, const string_t& text) {
    return count() && Base::number_float(value, text);
  }
  bool string(string_t& value) { return count() && Base::string(value); }
  bool start_object(std::size_t size) {
    if (limits_.unique_names) names_.emplace_back();
    return enter() && Base::start_object(size);
  }
  bool end_object() {
    if (limits_.unique_names) names_.pop_back();
    --depth_;
    return Base::end_object();
  }
  bool start_array(std::size_t size) { return enter() && Base::start_array(size); }
  bool end_array() {
    --depth_;
    return Base::end_array();
  }
  bool key(string_t& name) {
    if (limits_.unique_names && !names_.back().insert(name).second)
      throw fault(concat("the name ", shortened(json_text(name), 120), " occurs twice"));
    return Base::key(name);
  }

 private:
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;

  bool count() {
    if (++values_ > limits_.values) throw fault(concat("more than ", limits_.values, " values"));
    return true;
  }
  bool enter() {
    if (++depth_ > limits_.depth)
      throw fault(concat("it nests deeper than ", limits_.depth, " levels"));
    return count();
  }

  JsonLimits limits_;
  int depth_ = 0;
  std::size_t values_ = 0;
  std::vector<std::set<std::string>> names_;  // of the objects being read
};

}  // namespace

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
                           "\"-Infinity\", got ", shortened(json_text(value), 120), "."));
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

Json parse_json(std::string_view text, const JsonLimits& limits) {
  Json value;
  // The parser takes a NUL for the end of its input, which would hide what follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw fault("a NUL byte", nul + 1);
  LimitedParser parser(value, limits);
  try {
    Json::sax_parse(text, &parser);
  } catch (const Json::out_of_range&) {
    throw fault("a number too large for a double");
  }
  return value;
}

std::optional<Json> parse_json_or_none(std::string_view text, const JsonLimits& limits) {
  try {
    return parse_json(text, limits);
  } catch (const Json::parse_error&) {
    return std::nullopt;
  }
}

std::string json_fault(const Json::exception& error) {
  std::string_view what = error.what();
  if (const std::size_t end = what.find("] "); what.starts_with("[json.exception") && end < 60)
    what.remove_prefix(end + 2);
  return shortened(printable(what), 200);
}

Json read_json_file(const std::filesystem::path& path, const JsonLimits& limits) {
  const std::optional<std::string> text = read_file(path);
  if (!text) throw not_there(path, "a file");
  require_no_lfs_pointer(*text, path.string());
  try {
    return parse_json(*text, limits);
  } catch (const Json::parse_error& error) {
    throw usage_error(concat("'", path.string(), "' is not valid JSON: ", json_fault(error), "."),
                      "Check that it is the right file and complete; write or copy it again.");
  }
}

}  // namespace dtbench
