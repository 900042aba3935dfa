#include "analysis/json_access.h"

#include <set>

#include "config/dotted_key.h"

namespace dtbench {

std::optional<double> number_or_none(const Json& value) {
  const bool is_text = value == "NaN" || value == "Infinity" || value == "-Infinity";
  if (!value.is_number() && !is_text) return std::nullopt;
  return number_from_json(value, "");
}

Json differences(const Json& here, const Json& there) {
  const Json mine = here.flatten(), other = there.flatten();
  std::set<std::string> pointers;
  for (const Json* object : {&mine, &other})
    for (const auto& [pointer, value] : object->items())
      pointers.insert(pointer);
  Json list = Json::array();
  for (const std::string& pointer : pointers) {
    const Json a = mine.value(pointer, Json()), b = other.value(pointer, Json());
    if (a == b && mine.contains(pointer) == other.contains(pointer)) continue;
    list.push_back({{"field", dotted_key(pointer)}, {"here", a}, {"there", b}});
  }
  return list;
}

void put_interval(Json& object, const std::optional<Interval>& interval) {
  object["low"] = interval ? json_number(interval->low) : Json();
  object["high"] = interval ? json_number(interval->high) : Json();
}

}  // namespace dtbench
