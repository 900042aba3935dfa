// The keys of a run spec as flat names ("train.steps"), and values in text form.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "config/resolve.h"

namespace dtbench {

// All keys of the spec but the policy's, with the defaults that show each one's type.
const Json& spec_fields();

// Where `key` stands in a nested JSON value.
Json::json_pointer key_pointer(const std::string& key);

// The setting's value as the type that its key has. Throws Error (usage) for an unknown key or a
// text that is no such value, naming the setting's origin.
Json parse_setting(const Setting& setting);

// An unknown key or one that is not the user's to set.
void require_settable(const std::string& key, const std::string& origin);

// "scenario", "preset" and "policy" choose files rather than set a field.
bool is_selector(const std::string& key);

}  // namespace dtbench
