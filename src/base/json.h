// JSON as records use it: canonical text for hashing, floats with all their digits, non-finite
// numbers as strings.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

extern template class nlohmann::basic_json<>;  // compiled once, in json_library.cpp

namespace dtbench {

using Json = nlohmann::json;  // objects keep their keys sorted

// A number for a record: JSON has no NaN or infinity, so they become the strings "NaN", "Infinity"
// and "-Infinity". Finite values are written with the fewest digits that read back to the same
// double.
Json json_number(double value);

// A place counted from 0; null for a negative one, which means none.
inline Json index_or_null(std::int64_t index) {
  return index < 0 ? Json() : Json(index);
}

inline Json number_or_null(const std::optional<double>& value) {
  return value ? json_number(*value) : Json();
}

// The inverse of json_number. Throws Error (usage) for anything else, naming `field`.
double number_from_json(const Json& value, const std::string& field);

// Canonical text: keys sorted by byte value, no white space, UTF-8. The same value has the same
// text, so its SHA-256 identifies it. Python's json.dumps(v, sort_keys=True, separators=(",",":"),
// ensure_ascii=False) writes the same, but for floats from 1e15 to 1e16, which are 1e+15 here.
std::string canonical_json(const Json& value);

// JSON text; bytes that are no UTF-8 become U+FFFD instead of an exception. Indented from 0 on.
std::string json_text(const Json& value, int indent = -1);

// A text's value, `otherwise` of anything else.
std::string text_or(const Json& value, const std::string& otherwise);

// The value at a JSON pointer ("/spec/seed"), null where there is none.
Json member_or_null(const Json& value, const std::string& pointer);

// What a text from elsewhere may hold.
struct JsonLimits {
  int depth = 100;  // levels of objects and lists: what handles a value recurs as deep
  std::size_t values = 10'000'000;  // each takes 16 bytes, an object 100
  bool unique_names = false;        // in each object; else the last of equal ones counts
};

// One JSON value: the one function that all readers of JSON go through. Throws Json::parse_error
// for what is no JSON, holds a NUL byte or a number beyond a double, or exceeds a limit.
Json parse_json(std::string_view text, const JsonLimits& limits = {});

// The same; nothing instead of an exception.
std::optional<Json> parse_json_or_none(std::string_view text, const JsonLimits& limits = {});

// What is wrong, for a message: without the library's own words, and not at any length.
std::string json_fault(const Json::exception& error);

// Reads one JSON value. Throws Error naming the file, line and column of the first fault; retryable
// when the file cannot be read.
Json read_json_file(const std::filesystem::path& path, const JsonLimits& limits = {});

}  // namespace dtbench
