// What one forward pass is given besides its batch.
#pragma once

#include <string>
#include <vector>

#include "engine/numerics/compute_rules.h"
#include "engine/ops/dropout.h"
#include "engine/tape/tape.h"

namespace dtbench {

struct ForwardContext {
  Tape& tape;
  ComputeRules rules;
  DropoutContext dropout = {};                  // none by default
  std::vector<std::string>* modules = nullptr;  // not owned; takes the names of those that it meets
};

}  // namespace dtbench
