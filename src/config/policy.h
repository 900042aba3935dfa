// A datatype policy as one value: everything that differs between the cells of a scenario.
// The files are configs/policies/*.toml; the meaning of each field in numbers is the contract
// (docs/contract.md, "Policies"). A new field is a member here and a row of the table in
// policy.cpp; what it contradicts is a line of PolicyCheck there.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/enum_names.h"

namespace dtbench {

enum class Dtype { kFloat64, kFloat32, kBFloat16, kFloat16 };
constexpr auto names_of(Dtype) {
  return std::array{EnumName{Dtype::kFloat64, "fp64"}, EnumName{Dtype::kFloat32, "fp32"},
                    EnumName{Dtype::kBFloat16, "bf16"}, EnumName{Dtype::kFloat16, "fp16"}};
}

// Storage of AdamW's two moments. Block-wise 8-bit: Dettmers et al. 2021, arXiv 2110.02861.
enum class StateFormat { kFloat64, kFloat32, kBFloat16, kFloat16, kBlockwise8Bit };
constexpr auto names_of(StateFormat) {
  return std::array{
      EnumName{StateFormat::kFloat64, "fp64"}, EnumName{StateFormat::kFloat32, "fp32"},
      EnumName{StateFormat::kBFloat16, "bf16"}, EnumName{StateFormat::kFloat16, "fp16"},
      EnumName{StateFormat::kBlockwise8Bit, "blockwise_8bit"}};
}

// kFused: fp32 inside, rounded on store. kForeach: rounded after every operation (torch's default).
enum class OptimizerArithmetic { kFused, kForeach };
constexpr auto names_of(OptimizerArithmetic) {
  return std::array{EnumName{OptimizerArithmetic::kFused, "fused"},
                    EnumName{OptimizerArithmetic::kForeach, "foreach"}};
}

// How a 16-bit weight takes its update: to nearest, stochastically, or with Kahan compensation.
enum class UpdateRounding { kNearest, kStochastic, kKahan };
constexpr auto names_of(UpdateRounding) {
  return std::array{EnumName{UpdateRounding::kNearest, "nearest"},
                    EnumName{UpdateRounding::kStochastic, "stochastic"},
                    EnumName{UpdateRounding::kKahan, "kahan"}};
}

// Which autocast lists mixed precision applies. kNone: no mixed precision, all operations follow
// their inputs.
enum class AutocastRules { kNone, kCuda, kCpu };
constexpr auto names_of(AutocastRules) {
  return std::array{EnumName{AutocastRules::kNone, "none"}, EnumName{AutocastRules::kCuda, "cuda"},
                    EnumName{AutocastRules::kCpu, "cpu"}};
}

// kContract: logits in the compute datatype, all after it in fp32, one rounding of the gradient.
// kTransformers: the heads' own chains of roundings (a control).
enum class LossRule { kContract, kTransformers };
constexpr auto names_of(LossRule) {
  return std::array{EnumName{LossRule::kContract, "contract"},
                    EnumName{LossRule::kTransformers, "transformers"}};
}

// kKernel: one operation with fp32 inside. kComposite: Transformers' chain (a control).
enum class GeluRule { kKernel, kComposite };
constexpr auto names_of(GeluRule) {
  return std::array{EnumName{GeluRule::kKernel, "kernel"},
                    EnumName{GeluRule::kComposite, "composite"}};
}

struct DynamicLossScale {
  double initial = 65536;
  double growth_factor = 2;
  double backoff_factor = 0.5;
  std::int64_t growth_interval = 2000;
};

// Modules that compute in a datatype of their own. `module` is a pattern (config/module_pattern.h).
struct PolicyException {
  std::string module;
  Dtype compute = Dtype::kFloat32;
};

struct DtypePolicy {
  std::string name;
  std::string description;

  Dtype parameters = Dtype::kFloat32;  // storage of the weights; under mixed precision, the master
  Dtype compute = Dtype::kFloat32;     // operands of matrix products
  AutocastRules autocast_rules = AutocastRules::kNone;
  bool tf32 = false;
  LossRule loss = LossRule::kContract;
  GeluRule gelu = GeluRule::kKernel;

  Dtype gradients = Dtype::kFloat32;  // storage of accumulated gradients
  bool loss_scaling = false;          // dynamic, as torch's GradScaler
  DynamicLossScale loss_scale;        // read only when loss_scaling

  StateFormat optimizer_states = StateFormat::kFloat32;
  StateFormat embedding_states = StateFormat::kFloat32;
  OptimizerArithmetic optimizer_arithmetic = OptimizerArithmetic::kFused;
  UpdateRounding update_rounding = UpdateRounding::kNearest;
  double epsilon = 1e-8;

  std::int64_t perturb_initial_ulp = 0;  // every initial weight moved by so many ulp (noise floor)

  std::vector<PolicyException> exceptions;  // by module, without a second one for a pattern
};

bool is_16_bit(Dtype dtype);

// Whether the policy keeps weights in a wider datatype than its products use.
bool has_master_weights(const DtypePolicy& policy);

// What `dtbench policies NAME` explains: every field but name and description, those of
// loss_scale by dotted keys, in the order of the table in policy.cpp.
struct PolicyField {
  std::string key, meaning;
};
std::vector<PolicyField> policy_fields();

Json to_json(const DtypePolicy& policy);
// Throws Error (usage) for unknown keys, unknown values and contradictions. `origin` names the
// file.
DtypePolicy policy_from_json(const Json& json, const std::string& origin);

// For a policy in a spec: fields at the value that they had before they existed (config/fields.h).
Json policy_without_historical(Json policy);
Json policy_with_historical(Json policy);

}  // namespace dtbench
