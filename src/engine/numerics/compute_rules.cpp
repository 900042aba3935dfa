#include "engine/numerics/compute_rules.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <stdexcept>

#include "config/module_pattern.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

// CUDA's list computes these in fp32; the CPU's list leaves them to their input.
bool is_fp32_on_cuda(CastOp op) {
  return op == CastOp::kLayerNorm || op == CastOp::kPow;
}

}  // namespace

ComputeRules compute_rules(const DtypePolicy& policy) {
  ComputeRules rules{scalar_type(policy.compute), policy.autocast_rules, policy.loss, policy.gelu};
  for (const PolicyException& exception : policy.exceptions)
    rules.in_fp32.push_back(exception.module);
  return rules;
}

bool is_excepted(std::string_view module, const ComputeRules& rules) {
  return std::ranges::any_of(
      rules.in_fp32, [&](const std::string& pattern) { return matches_module(pattern, module); });
}

ComputeRules rules_of_exception(const ComputeRules& rules) {
  return {.compute = at::kFloat,
          .autocast = AutocastRules::kNone,
          .loss = rules.loss,
          .gelu = rules.gelu};
}

const char* to_string(CastOp op) {
  switch (op) {
    case CastOp::kMatmul:
      return "matmul";
    case CastOp::kLayerNorm:
      return "layer_norm";
    case CastOp::kPow:
      return "pow";
    case CastOp::kEmbedding:
      return "embedding";
    case CastOp::kGelu:
      return "gelu";
    case CastOp::kTanh:
      return "tanh";
    case CastOp::kErf:
      return "erf";
    case CastOp::kAdd:
      return "add";
  }
  throw std::logic_error("unknown CastOp");
}

at::ScalarType operand_type(CastOp op, at::ScalarType input, const ComputeRules& rules) {
  if (rules.autocast == AutocastRules::kNone) return input;
  if (op == CastOp::kMatmul) return rules.compute;
  if (rules.autocast == AutocastRules::kCuda && is_fp32_on_cuda(op)) return at::kFloat;
  return input;
}

}  // namespace dtbench
