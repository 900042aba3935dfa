// A datatype policy as one value: everything that differs between the cells of a scenario.
// The files are configs/policies/*.toml; the meaning of each field in numbers is the contract
// (docs/contract.md, "Policies").
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace dtbench {

enum class Dtype { kFloat64, kFloat32, kBFloat16, kFloat16 };

// Storage of AdamW's two moments. Block-wise 8-bit: Dettmers et al. 2021, arXiv 2110.02861.
enum class StateFormat { kFloat64, kFloat32, kBFloat16, kFloat16, kBlockwise8Bit };

// kFused: fp32 inside, rounded on store. kForeach: rounded after every operation (torch's default).
enum class OptimizerArithmetic { kFused, kForeach };

// How a 16-bit weight takes its update: to nearest, stochastically, or with Kahan compensation.
enum class UpdateRounding { kNearest, kStochastic, kKahan };

// Which autocast lists mixed precision applies. kNone: no mixed precision, all operations follow
// their inputs.
enum class AutocastRules { kNone, kCuda, kCpu };

// kContract: logits in the compute datatype, all after it in fp32, one rounding of the gradient.
// kTransformers: the heads' own chains of roundings (a control).
enum class LossRule { kContract, kTransformers };

// kKernel: one operation with fp32 inside. kComposite: Transformers' chain (a control).
enum class GeluRule { kKernel, kComposite };

struct DynamicLossScale {
  double initial = 65536;
  double growth_factor = 2;
  double backoff_factor = 0.5;
  std::int64_t growth_interval = 2000;
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
};

// Whether the policy keeps weights in a wider datatype than its products use.
bool has_master_weights(const DtypePolicy& policy);

const char* to_string(Dtype value);  // "fp64", "fp32", "bf16", "fp16"
const char* to_string(StateFormat value);
const char* to_string(OptimizerArithmetic value);
const char* to_string(UpdateRounding value);
const char* to_string(AutocastRules value);
const char* to_string(LossRule value);
const char* to_string(GeluRule value);

Json to_json(const DtypePolicy& policy);
// Throws Error (usage) for unknown keys, unknown values and contradictions. `origin` names the
// file.
DtypePolicy policy_from_json(const Json& json, const std::string& origin);

}  // namespace dtbench
