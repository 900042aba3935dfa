// Enumerations with names, as specs and records spell them. Beside its enumeration each has
//   constexpr auto names_of(Enum) { return std::array{EnumName{Enum::kOne, "one"}, ...}; }
// from which writing, reading and error messages follow.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace dtbench {

template <typename Enum>
struct EnumName {
  Enum value;
  const char* name;
};
// Which clang before 17 does not deduce for an aggregate.
template <typename Enum>
EnumName(Enum, const char*) -> EnumName<Enum>;

template <typename Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires(Enum value) { names_of(value); };

template <NamedEnum Enum>
const char* enum_name(Enum value) {
  for (const EnumName<Enum>& entry : names_of(value))
    if (entry.value == value) return entry.name;
  return "?";
}

template <NamedEnum Enum>
const char* to_string(Enum value) {
  return enum_name(value);
}

template <NamedEnum Enum>
std::optional<Enum> enum_from(std::string_view name) {
  for (const EnumName<Enum>& entry : names_of(Enum{}))
    if (name == entry.name) return entry.value;
  return std::nullopt;
}

template <NamedEnum Enum>
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const EnumName<Enum>& entry : names_of(Enum{}))
    names.emplace_back(entry.name);
  return names;
}

}  // namespace dtbench
