#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "config/fields.h"
#include "config/run_spec.h"

namespace dtbench {
namespace {

// Variables of the programs and their tests that are no settings.
const std::vector<std::string> kOwnVariables = {
    "DTBENCH_TORCH",  "DTBENCH_CUDA", "DTBENCH_CACHE",     "DTBENCH_CONFIGS",
    "DTBENCH_SOURCE", "DTBENCH_BIN",  "DTBENCH_EXTENSIONS"};

std::vector<std::string> leaf_keys(const Json& object, const std::string& prefix) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_object()) {
      keys.push_back(prefix + name);
      continue;
    }
    for (std::string& key : leaf_keys(value, prefix + name + "."))
      keys.push_back(std::move(key));
  }
  return keys;
}

// What a scenario is; a user chooses another scenario instead of redefining one.
bool defines_scenario(const std::string& key) {
  return key == "objective" || key == "model.architecture";
}

std::string variable_name(const std::string& key) {
  std::string name = "DTBENCH_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '.' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

template <typename Number>
Json parse_number(const Setting& setting, const char* expected) {
  Number number{};
  const char* end = setting.value.data() + setting.value.size();
  const auto [rest, error] = std::from_chars(setting.value.data(), end, number);
  if (error != std::errc() || rest != end)
    throw wrong_value({setting.key, setting.origin}, expected, setting.value);
  return number;
}

}  // namespace

const Json& spec_fields() {
  static const Json fields = [] {
    Json all = to_whole_json(RunSpec{});
    all.erase("policy");
    all["data"]["label_form"] = "";  // which JSON leaves out unless it is set
    return all;
  }();
  return fields;
}

Json::json_pointer key_pointer(const std::string& key) {
  Json::json_pointer pointer;
  std::istringstream parts(key);
  for (std::string part; std::getline(parts, part, '.');)
    pointer /= part;
  return pointer;
}

bool is_selector(const std::string& key) {
  return key == "scenario" || key == "preset" || key == "policy";
}

std::vector<std::string> settable_keys() {
  std::vector<std::string> keys = leaf_keys(spec_fields(), "");
  keys.emplace_back("policy");
  std::erase_if(keys, defines_scenario);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void require_settable(const std::string& key, const std::string& origin) {
  if (defines_scenario(key))
    throw usage_error(concat("'", key, "' in ", origin, " is fixed by the scenario."),
                      "Choose another scenario: dtbench run --help lists them.");
  if (key.starts_with("policy."))
    throw usage_error(
        concat("'", key, "' in ", origin, " cannot be set: a policy is one value."),
        "Copy a file of configs/policies, change it there and pass its path with --policy.");
  const std::vector<std::string> known = settable_keys();
  if (std::find(known.begin(), known.end(), key) == known.end())
    throw unknown_key({key, origin}, known);
}

Json parse_setting(const Setting& setting) {
  require_settable(setting.key, setting.origin);
  if (is_selector(setting.key)) return setting.value;
  const Json& field = spec_fields().at(key_pointer(setting.key));
  if (field.is_number_float()) return parse_number<double>(setting, "a number");
  if (field.is_number()) return parse_number<std::int64_t>(setting, "a whole number");
  return setting.value;
}

std::vector<Setting> settings_from_environment(char** environ) {
  std::map<std::string, std::string> key_of_variable;
  for (const std::string& key : settable_keys())
    key_of_variable[variable_name(key)] = key;
  std::vector<Setting> settings;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    const std::string entry = *environ;
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (!name.starts_with("DTBENCH_") || equals == std::string::npos) continue;
    if (std::find(kOwnVariables.begin(), kOwnVariables.end(), name) != kOwnVariables.end())
      continue;
    const auto key = key_of_variable.find(name);
    if (key == key_of_variable.end()) {
      std::vector<std::string> known = kOwnVariables;
      for (const auto& [variable, its_key] : key_of_variable)
        known.push_back(variable);
      throw usage_error(concat("Unknown environment variable '", name, "'."),
                        suggestion(name, known));
    }
    settings.push_back({key->second, entry.substr(equals + 1), name});
  }
  return settings;
}

}  // namespace dtbench
