// Time and dollars to a target loss (analysis/target_loss.h) as rows of a table.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Whether a setting says more than that its records lack points along the way.
bool has_targets(const Json& setting);

// "policy", "reached", ..., and a row for fp32_true and each policy.
std::vector<std::string> target_head();
std::vector<std::vector<std::string>> target_rows(const Json& setting);

// What has to be known to read them: the loss, and what a CPU's times are worth.
std::string target_note(const Json& setting);

}  // namespace dtbench
