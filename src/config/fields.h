// Spec structs as JSON objects. Each struct has a table of its fields, one row each, in an overload
// of
//   template <typename Visit> void visit_fields(Struct& s, Visit&& visit) {
//     visit(Field("steps", "training steps").between(1, 1000), s.steps);
//   }
// Writing, reading, ranges, key lists, explanations, error messages and the identity of cells all
// follow from these tables; names of enumerations from config/enum_names.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/enum_names.h"
#include "config/registry.h"

namespace dtbench {

// A row of such a table.
struct Field {
  // NOLINTNEXTLINE(*-explicit-*): a bare name is a row
  Field(const char* field_name, const char* field_meaning = "")
      : name(field_name), meaning(field_meaning) {}

  // For a field that came after records were made: what the program did before it existed. A spec
  // without the field means this value, and this value stays out of the spec's JSON and so out of
  // the cell's id (ADR 0018). A policy file or a command line that does not say gets the default
  // instead, which may differ.
  Field&& historically(Json value) && {
    historical = std::move(value);
    return std::move(*this);
  }
  Field&& at_least(double value) && {
    low = value;
    return std::move(*this);
  }
  Field&& above(double value) && {
    low = value;
    low_is_open = true;
    return std::move(*this);
  }
  Field&& at_most(double value) && {
    high = value;
    return std::move(*this);
  }
  Field&& below(double value) && {
    high = value;
    high_is_open = true;
    return std::move(*this);
  }
  Field&& between(double least, double most) && {
    return std::move(*this).at_least(least).at_most(most);
  }

  bool contains(double value) const;
  std::string range() const;  // "at least 0 and below 1"; "" where any value will do

  const char* name;
  const char* meaning;  // for people
  std::optional<Json> historical;
  std::optional<double> low, high;
  bool low_is_open = false, high_is_open = false;
};

template <typename T>
concept FieldStruct = requires(T& value) { visit_fields(value, [](const Field&, auto&) {}); };

template <typename T>
inline constexpr bool kIsList = false;
template <typename Element>
inline constexpr bool kIsList<std::vector<Element>> = true;

template <typename T>
inline constexpr bool kIsRegistered = false;
template <typename Entry>
inline constexpr bool kIsRegistered<Registered<Entry>> = true;

template <typename T>
Json field_to_json(const T& value) {
  if constexpr (NamedEnum<T>) {
    return enum_name(value);
  } else if constexpr (kIsRegistered<T>) {
    return value->name;
  } else if constexpr (FieldStruct<T>) {
    Json object = Json::object();
    T copy = value;  // visit_fields is written once, for members that can be assigned
    visit_fields(copy, [&](const Field& field, auto& member) {
      object[field.name] = field_to_json(member);
    });
    return object;
  } else if constexpr (kIsList<T>) {
    Json list = Json::array();
    for (const auto& element : value)
      list.push_back(field_to_json(element));
    return list;
  } else {
    return value;
  }
}

// Calls use(object, field) for each field of the struct and of those in it that has a historical
// value, with the JSON object that the field belongs into.
template <FieldStruct T, typename Use>
void for_each_historical(Json& object, Use use) {
  T any;
  visit_fields(any, [&]<typename Member>(const Field& field, Member&) {
    if constexpr (FieldStruct<Member>) {
      if (object.is_object() && object.contains(field.name))
        for_each_historical<Member>(object[field.name], use);
    } else if (field.historical && object.is_object()) {
      use(object, field);
    }
  });
}

template <FieldStruct T>
void omit_historical(Json& object) {
  for_each_historical<T>(object, [](Json& its, const Field& field) {
    if (its.contains(field.name) && its.at(field.name) == *field.historical) its.erase(field.name);
  });
}

template <FieldStruct T>
void fill_in_historical(Json& object) {
  for_each_historical<T>(object, [](Json& its, const Field& field) {
    if (!its.contains(field.name)) its[field.name] = *field.historical;
  });
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
  visit_fields(result, [&](const Field& field, auto& value) {
    const FieldPlace member = place.member(field.name);
    known.push_back(member.name);
    if (object.contains(field.name))
      read_field(object.at(field.name), member, missing, value);
    else if (missing == MissingKeys::kAreErrors)
      throw usage_error(concat("The key '", member.name, "' is missing in ", place.origin, "."));
  });
  for (const auto& [key, value] : object.items()) {
    const FieldPlace member = place.member(key);
    if (std::find(known.begin(), known.end(), member.name) == known.end())
      throw unknown_key(member, known);
  }
}

inline Error wrong_name(const std::vector<std::string>& names, const FieldPlace& place,
                        const Json& value, const std::string& otherwise = "") {
  const Error wrong = wrong_value(place, "one of " + join(names, ", "), value);
  const std::string near = value.is_string() ? nearest(value.get<std::string>(), names) : "";
  return usage_error(wrong.what(), near.empty() ? otherwise : "Did you mean '" + near + "'?");
}

template <NamedEnum Enum>
void read_name(const Json& value, const FieldPlace& place, Enum& field) {
  const auto found = value.is_string() ? enum_from<Enum>(value.get<std::string>()) : std::nullopt;
  if (!found) throw wrong_name(all_names<Enum>(), place, value);
  field = *found;
}

template <typename Entry>
void read_name(const Json& value, const FieldPlace& place, Registered<Entry>& field) {
  const Entry* found =
      value.is_string() ? registry<Entry>().find(value.get<std::string>()) : nullptr;
  if (found == nullptr)
    throw wrong_name(registry<Entry>().names(), place, value,
                     "An extension that registers it is loaded with --extension FILE.so.");
  field = *found;
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
  if constexpr (NamedEnum<T> || kIsRegistered<T>) {
    read_name(value, place, field);
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

// Holds every number of the struct, and of those in it, to its row's range. Throws Error (usage)
// naming the field, and `origin` unless that is "".
template <FieldStruct T>
void require_ranges(const T& value, const FieldPlace& place) {
  T copy = value;
  visit_fields(copy, [&]<typename Member>(const Field& field, Member& member) {
    if constexpr (FieldStruct<Member>) {
      require_ranges(member, place.member(field.name));
    } else if constexpr (std::same_as<Member, double> || std::same_as<Member, std::int64_t>) {
      if (field.contains(static_cast<double>(member))) return;
      throw usage_error(concat("'", place.member(field.name).name, "' must be ", field.range(),
                               ", got ", member, place.origin.empty() ? "" : " in ", place.origin,
                               "."));
    }
  });
}

}  // namespace dtbench
