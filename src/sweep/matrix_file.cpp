#include <algorithm>
#include <filesystem>

#include "config/config_files.h"
#include "config/fields.h"
#include "config/settings.h"
#include "sweep/matrix.h"

namespace dtbench {
namespace {

// The file's keys. What stands outside of [[part]] holds for every part that does not say
// otherwise.
struct PartTable {
  Json scenarios, policies, seeds, set, axes;
};

struct MatrixTable {
  std::string description, preset;
  PartTable common;
  std::vector<PartTable> part;
};

template <typename Visit>
void visit_fields(PartTable& table, Visit&& visit) {
  visit("scenarios", table.scenarios);
  visit("policies", table.policies);
  visit("seeds", table.seeds);
  visit("set", table.set);
  visit("axes", table.axes);
}

template <typename Visit>
void visit_fields(MatrixTable& table, Visit&& visit) {
  visit("description", table.description);
  visit("preset", table.preset);
  visit_fields(table.common, visit);
  visit("part", table.part);
}

std::string as_text(const Json& value, const FieldPlace& place) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  throw wrong_value(place, "text or a number", value);
}

// {"train.steps": 3, ...} of nested tables; keys in quotes may have their dots already.
Json flat(const Json& table, const FieldPlace& place) {
  if (table.is_null()) return Json::object();
  if (!table.is_object()) throw wrong_value(place, "a table of keys", table);
  Json settings = Json::object();
  for (const auto& [name, value] : table.items()) {
    if (!value.is_object()) {
      settings[name] = value;
      continue;
    }
    const Json members = flat(value, place.member(name));
    for (const auto& [member, its_value] : members.items())
      settings[concat(name, ".", member)] = its_value;
  }
  return settings;
}

void require_no_selector(const std::string& key, const std::string& origin) {
  if (is_selector(key) || key == "seed")
    throw usage_error(concat("'", key, "' is not a setting of a matrix's cells in ", origin, "."),
                      "The keys scenarios, policies, seeds and preset belong outside 'set' and "
                      "'axes'.");
  require_settable(key, origin);
}

std::vector<Setting> settings_of(const Json& table, const std::string& origin) {
  std::vector<Setting> settings;
  const Json members = flat(table, {"set", origin});
  for (const auto& [key, value] : members.items()) {
    require_no_selector(key, origin);
    settings.push_back({key, as_text(value, {concat("set.", key), origin}), origin});
  }
  return settings;
}

std::vector<Axis> axes_of(const Json& table, const std::string& origin) {
  std::vector<Axis> axes;
  const Json members = flat(table, {"axes", origin});
  for (const auto& [key, values] : members.items()) {
    require_no_selector(key, origin);
    const FieldPlace place{concat("axes.", key), origin};
    if (!values.is_array() || values.empty()) throw wrong_value(place, "a list of values", values);
    Axis axis{key, {}, origin};
    for (const Json& value : values)
      axis.values.push_back(as_text(value, place));
    axes.push_back(std::move(axis));
  }
  return axes;
}

// A number of seeds, or a list of them.
std::optional<std::vector<std::string>> seeds_of(const Json& seeds, const std::string& origin) {
  if (seeds.is_null()) return std::nullopt;
  if (!seeds.is_array()) return seeds_from_count(seeds.dump(), origin);
  std::vector<std::string> list;
  for (const Json& seed : seeds)
    list.push_back(as_text(seed, {"seeds", origin}));
  if (list.empty()) throw wrong_value({"seeds", origin}, "a number of seeds or a list", seeds);
  return list;
}

// None where the key is missing, which means the six; a list without any means nothing.
std::vector<std::string> names_of(const Json& names, const FieldPlace& place) {
  std::vector<std::string> list;
  if (names.is_null()) return list;
  read_field(names, place, MissingKeys::kAreErrors, list);
  if (list.empty()) throw wrong_value(place, "a list of names, or left out for the six", names);
  return list;
}

const Json& or_else(const Json& part, const Json& common) {
  return part.is_null() ? common : part;
}

MatrixPart part_of(const PartTable& part, const PartTable& common, const std::string& origin) {
  MatrixPart result;
  result.scenarios = names_of(or_else(part.scenarios, common.scenarios), {"scenarios", origin});
  result.policies = names_of(or_else(part.policies, common.policies), {"policies", origin});
  result.seeds = seeds_of(or_else(part.seeds, common.seeds), origin);
  for (const PartTable* table : {&common, &part}) {
    const std::vector<Setting> settings = settings_of(table->set, origin);
    result.settings.insert(result.settings.end(), settings.begin(), settings.end());
    const std::vector<Axis> axes = axes_of(table->axes, origin);
    result.axes.insert(result.axes.end(), axes.begin(), axes.end());
  }
  return result;
}

}  // namespace

Matrix read_matrix(const std::filesystem::path& configs, const std::string& name_or_path) {
  const ConfigFile file = load_config_or_file(configs, ConfigKind::kMatrix, name_or_path);
  if (file.content.empty())
    throw usage_error(
        concat("The matrix file ", file.origin, " is empty."),
        "docs/matrix.md lists its keys; the study's six scenarios and policies need no file.");
  MatrixTable table;
  read_struct(file.content, {"", file.origin}, MissingKeys::kKeepDefaults, table);
  Matrix matrix{table.description, table.preset, {}};
  for (const PartTable& part : table.part)
    matrix.parts.push_back(part_of(part, table.common, file.origin));
  if (table.part.empty()) matrix.parts.push_back(part_of({}, table.common, file.origin));
  return matrix;
}

}  // namespace dtbench
