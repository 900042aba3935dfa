// A policy as the text of a file of configs/policies.
#pragma once

#include <string>

#include "config/policy.h"

namespace dtbench {

// Its description and every field, since what a file leaves out follows from what it holds. Loads
// back to the same policy under the file's name.
std::string policy_toml(const DtypePolicy& policy);

}  // namespace dtbench
