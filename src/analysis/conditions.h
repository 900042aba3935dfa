// Under what a finding's cells were trained: what a control has to share with the contrast.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/evidence.h"

namespace dtbench {

struct Conditions {
  std::map<std::string, Json> settings;  // by scenario (speed: and pair); {"spec", "identity"}
  std::map<std::string, Json> policies;  // fields, by name
};

// Of arms without a problem. `axis`: as in obstacle().
Conditions conditions_of(const std::vector<Arm>& arms, const char* axis = nullptr);

// "on C, spec.train.steps (1 and 600)": the first setting or policy that the two do not share but
// for what the control changes. `where`: the control's. Empty where nothing differs.
std::string apart(const Conditions& control, const Conditions& contrast, const Json& where);

}  // namespace dtbench
