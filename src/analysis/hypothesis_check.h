// What makes a hypothesis' file senseless.
#pragma once

#include <string>
#include <vector>

#include "analysis/hypothesis.h"

namespace dtbench {

// Throws Error (usage) that names `origin`: what contradicts itself or the estimand.
void check_hypothesis(const Hypothesis& hypothesis, const std::string& origin);

// Throws Error (usage) where the best possible outcome would not decide at one of the looks, for a
// hypothesis that is one of `family` (Holm).
void check_plan(const Hypothesis& hypothesis, std::size_t family, const std::string& origin);

}  // namespace dtbench
