#include "engine/numerics/support.h"

#include "base/text.h"

namespace dtbench {
namespace {

std::optional<std::string> unsupported_policy(const DtypePolicy& policy,
                                              const c10::Device& device) {
  if (policy.parameters != policy.compute || policy.parameters != policy.gradients)
    return concat("the reference engine computes in the datatype of its parameters; ", policy.name,
                  " has ", to_string(policy.parameters), " parameters, ", to_string(policy.compute),
                  " products and ", to_string(policy.gradients), " gradients");
  if (policy.parameters != Dtype::kFloat32 && policy.parameters != Dtype::kFloat64)
    return concat("the reference engine trains in fp32 and fp64, not in ",
                  to_string(policy.parameters));
  if (std::string(to_string(policy.optimizer_states)) != to_string(policy.parameters))
    return concat("the reference engine keeps AdamW's states in the parameters' datatype, not in ",
                  to_string(policy.optimizer_states));
  if (policy.loss_scaling) return "the reference engine has no loss scaling yet";
  if (policy.optimizer_arithmetic != OptimizerArithmetic::kFused ||
      policy.update_rounding != UpdateRounding::kNearest)
    return "the reference engine has fused AdamW arithmetic with rounding to nearest only";
  if (policy.loss != LossRule::kContract || policy.gelu != GeluRule::kKernel)
    return "the reference engine has the contract's loss and GELU only";
  if (policy.tf32 && !device.is_cuda()) return "TF32 is a mode of CUDA's tensor cores";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unsupported(const RunSpec& spec, const c10::Device& device) {
  if (spec.engine != "reference")
    return concat("this build has the reference engine only, not '", spec.engine, "'");
  if (spec.model.architecture != Architecture::kGpt2)
    return concat("the reference engine has GPT-2 only, not ", to_string(spec.model.architecture));
  if (spec.objective != Objective::kCausalLm && spec.objective != Objective::kSingleLabel)
    return concat("the reference engine has causal language modelling and single-label ",
                  "classification, not ", to_string(spec.objective));
  return unsupported_policy(spec.policy, device);
}

}  // namespace dtbench
