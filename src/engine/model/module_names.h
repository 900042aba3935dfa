// The names of a model's modules, found by a forward pass of one token, and whether each of a
// policy's exceptions names one (the check of a pattern: config/module_pattern.h).
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "engine/model/model.h"

namespace dtbench {

// A forward pass of one token on `device`, of whatever weights, for who wants to see it.
struct Onlooker {
  NodeObserver* observer = nullptr;             // not owned, may be null
  std::vector<std::string>* modules = nullptr;  // likewise
};
void pass_of_one_token(const Model& model, const ComputeRules& rules, const c10::Device& device,
                       const Onlooker& onlooker);

// In the order of a forward pass, which is made.
std::vector<std::string> module_names(const Model& model, const ComputeRules& rules,
                                      const c10::Device& device);

// Throws Error (usage), naming the nearest, where `rules` make an exception for a module that the
// model does not have.
void require_excepted_modules(const Model& model, const ComputeRules& rules,
                              const c10::Device& device);

}  // namespace dtbench
