// The keys of a run spec as flat names ("train.steps"), and values in text form.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// One `key = value` from the command line ("train.steps=20") or the environment.
struct Setting {
  std::string key;
  std::string value;
  std::string origin;  // "--set", "--steps", "DTBENCH_TRAIN_STEPS": for messages
};

// All keys of the spec but the policy's, with the defaults that show each one's type.
const Json& spec_fields();

// Where `key` stands in a nested JSON value.
Json::json_pointer key_pointer(const std::string& key);

// The setting's value as the type that its key has. Throws Error (usage) for an unknown key or a
// text that is no such value, naming the setting's origin.
Json parse_setting(const Setting& setting);

std::vector<std::string> settable_keys();  // "seed", "model.layers", ..., "train.steps", ...

// DTBENCH_<KEY> for every settable key, dots as underscores, upper case: DTBENCH_TRAIN_STEPS.
// Throws Error (usage) for a DTBENCH_* variable that is neither such a key nor one of the program's
// own (DTBENCH_TORCH, DTBENCH_CACHE, DTBENCH_CONFIGS, ...).
std::vector<Setting> settings_from_environment(char** environ);

// An unknown key or one that is not the user's to set.
void require_settable(const std::string& key, const std::string& origin);

// "scenario", "preset" and "policy" choose files rather than set a field.
bool is_selector(const std::string& key);

}  // namespace dtbench
