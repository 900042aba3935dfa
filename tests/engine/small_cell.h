// The cell that forensics is tried on: 40 steps at a rate that is high enough to die of.
#pragma once

#include <string>

#include "engine/small_model.h"

namespace dtbench::testing {

inline RunSpec small_cell(const std::string& scenario, const std::string& policy) {
  RunSpec spec = tiny_spec(scenario);
  spec.policy = policy_named(policy);
  spec.train.learning_rate = 3e-3;
  spec.train.warmup_steps = 4;
  spec.train.steps = 40;
  spec.train.batch = spec.train.micro_batch = 4;
  spec.train.eval_examples = 2;
  return spec;
}

}  // namespace dtbench::testing
