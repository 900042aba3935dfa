// Spec structs as JSON objects. Each struct lists its fields once, in an overload of
//   template <typename Visit> void visit_fields(Struct&, Visit&&);   // visit(name, member)
// and each enumeration its names, in an overload of names_of(Enum); writing, reading, key lists and
// error messages all follow from these lists.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

namespace dtbench {

template <typename Enum>
struct EnumName {
  Enum value;
  const char* name;
};

template <typename Enum>
const char* enum_name(Enum value) {
  for (const EnumName<Enum>& entry : names_of(value))
    if (entry.value == value) return entry.name;
  return "?";
}

template <typename T>
concept FieldStruct = requires(T& value) { visit_fields(value, [](const char*, auto&) {}); };

template <typename T>
Json field_to_json(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return enum_name(value);
  } else if constexpr (FieldStruct<T>) {
    Json object = Json::object();
    T copy = value;  // visit_fields is written once, for members that can be assigned
    visit_fields(copy, [&](const char* name, auto& field) { object[name] = field_to_json(field); });
    return object;
  } else {
    return value;
  }
}

// Where a value stands: the dotted name of its field and the file, flag or variable it came from.
struct FieldPlace {
  std::string name;
  std::string origin;

  FieldPlace member(const std::string& key) const {
    return {name.empty() ? key : name + "." + key, origin};
  }
};

inline Error wrong_value(const FieldPlace& place, const std::string& expected, const Json& found) {
  return usage_error(concat("'", place.name, "' must be ", expected, ", got ", json_text(found),
                            " in ", place.origin, "."));
}

inline Error unknown_key(const FieldPlace& place, const std::vector<std::string>& known) {
  return usage_error(concat("Unknown key '", place.name, "' in ", place.origin, "."),
                     suggestion(place.name, known));
}

// Whether reading a struct asks for all of its keys or leaves missing ones at their defaults.
enum class MissingKeys { kAreErrors, kKeepDefaults };

template <typename T>
void read_field(const Json& value, const FieldPlace& place, MissingKeys missing, T& field);

template <FieldStruct T>
void read_struct(const Json& object, const FieldPlace& place, MissingKeys missing, T& result) {
  if (!object.is_object()) throw wrong_value(place, "a table of keys", object);
  std::vector<std::string> known;
  visit_fields(result, [&](const char* name, auto& field) {
    const FieldPlace member = place.member(name);
    known.push_back(member.name);
    if (object.contains(name))
      read_field(object.at(name), member, missing, field);
    else if (missing == MissingKeys::kAreErrors)
      throw usage_error(concat("The key '", member.name, "' is missing in ", place.origin, "."));
  });
  for (const auto& [key, value] : object.items()) {
    const FieldPlace member = place.member(key);
    if (std::find(known.begin(), known.end(), member.name) == known.end())
      throw unknown_key(member, known);
  }
}

template <typename Enum>
void read_enum(const Json& value, const FieldPlace& place, Enum& field) {
  std::vector<std::string> names;
  for (const EnumName<Enum>& entry : names_of(Enum{})) {
    if (value == entry.name) {
      field = entry.value;
      return;
    }
    names.emplace_back(entry.name);
  }
  Error wrong = wrong_value(place, "one of " + join(names, ", "), value);
  const std::string near = value.is_string() ? nearest(value.get<std::string>(), names) : "";
  throw near.empty() ? wrong : usage_error(wrong.what(), "Did you mean '" + near + "'?");
}

template <typename T>
void read_field(const Json& value, const FieldPlace& place, MissingKeys missing,
                std::vector<T>& field) {
  if (!value.is_array()) throw wrong_value(place, "a list", value);
  field.assign(value.size(), T{});
  for (std::size_t i = 0; i < value.size(); ++i)
    read_field(value[i], {concat(place.name, '[', i, ']'), place.origin}, missing, field[i]);
}

template <typename T>
void read_field(const Json& value, const FieldPlace& place, MissingKeys missing, T& field) {
  if constexpr (std::is_enum_v<T>) {
    read_enum(value, place, field);
  } else if constexpr (FieldStruct<T>) {
    read_struct(value, place, missing, field);
  } else if constexpr (std::same_as<T, bool>) {
    if (!value.is_boolean()) throw wrong_value(place, "true or false", value);
    field = value.get<bool>();
  } else if constexpr (std::same_as<T, std::int64_t>) {
    constexpr auto kLargest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!value.is_number_integer() ||
        (value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest))
      throw wrong_value(place, "a whole number", value);
    field = value.get<std::int64_t>();
  } else if constexpr (std::same_as<T, double>) {
    if (!value.is_number()) throw wrong_value(place, "a number", value);
    field = value.get<double>();
  } else if constexpr (std::same_as<T, Json>) {  // keys that its owner checks
    field = value;
  } else {
    static_assert(std::same_as<T, std::string>);
    if (!value.is_string()) throw wrong_value(place, "text", value);
    field = value.get<std::string>();
  }
}

}  // namespace dtbench
