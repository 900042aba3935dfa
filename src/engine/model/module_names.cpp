#include "engine/model/module_names.h"

#include <ATen/ATen.h>

#include "config/module_pattern.h"

namespace dtbench {

void pass_of_one_token(const Model& model, const ComputeRules& rules, const c10::Device& device,
                       const Onlooker& onlooker) {
  Tape tape(Tape::Mode::kForwardOnly, onlooker.observer);
  MicroBatch one_token;
  one_token.input_ids = at::zeros({1, 1}, at::TensorOptions(device).dtype(at::kLong));
  model.logits(one_token, {.tape = tape, .rules = rules, .modules = onlooker.modules});
}

std::vector<std::string> module_names(const Model& model, const ComputeRules& rules,
                                      const c10::Device& device) {
  std::vector<std::string> names;
  pass_of_one_token(model, rules, device, {.modules = &names});
  return names;
}

void require_excepted_modules(const Model& model, const ComputeRules& rules,
                              const c10::Device& device) {
  if (rules.in_fp32.empty()) return;
  const std::vector<std::string> names = module_names(model, rules, device);
  for (const std::string& pattern : rules.in_fp32)
    require_module(pattern, names);
}

}  // namespace dtbench
