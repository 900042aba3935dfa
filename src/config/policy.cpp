#include "config/policy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "config/fields.h"

namespace dtbench {
namespace {

constexpr std::array kDtypes = {
    EnumName{Dtype::kFloat64, "fp64"}, EnumName{Dtype::kFloat32, "fp32"},
    EnumName{Dtype::kBFloat16, "bf16"}, EnumName{Dtype::kFloat16, "fp16"}};
constexpr std::array kStateFormats = {
    EnumName{StateFormat::kFloat64, "fp64"}, EnumName{StateFormat::kFloat32, "fp32"},
    EnumName{StateFormat::kBFloat16, "bf16"}, EnumName{StateFormat::kFloat16, "fp16"},
    EnumName{StateFormat::kBlockwise8Bit, "blockwise_8bit"}};
constexpr std::array kOptimizerArithmetics = {EnumName{OptimizerArithmetic::kFused, "fused"},
                                              EnumName{OptimizerArithmetic::kForeach, "foreach"}};
constexpr std::array kUpdateRoundings = {EnumName{UpdateRounding::kNearest, "nearest"},
                                         EnumName{UpdateRounding::kStochastic, "stochastic"},
                                         EnumName{UpdateRounding::kKahan, "kahan"}};
constexpr std::array kAutocastRules = {EnumName{AutocastRules::kNone, "none"},
                                       EnumName{AutocastRules::kCuda, "cuda"},
                                       EnumName{AutocastRules::kCpu, "cpu"}};
constexpr std::array kLossRules = {EnumName{LossRule::kContract, "contract"},
                                   EnumName{LossRule::kTransformers, "transformers"}};
constexpr std::array kGeluRules = {EnumName{GeluRule::kKernel, "kernel"},
                                   EnumName{GeluRule::kComposite, "composite"}};

}  // namespace

static std::span<const EnumName<Dtype>> names_of(Dtype) {
  return kDtypes;
}
static std::span<const EnumName<StateFormat>> names_of(StateFormat) {
  return kStateFormats;
}
static std::span<const EnumName<OptimizerArithmetic>> names_of(OptimizerArithmetic) {
  return kOptimizerArithmetics;
}
static std::span<const EnumName<UpdateRounding>> names_of(UpdateRounding) {
  return kUpdateRoundings;
}
static std::span<const EnumName<AutocastRules>> names_of(AutocastRules) {
  return kAutocastRules;
}
static std::span<const EnumName<LossRule>> names_of(LossRule) {
  return kLossRules;
}
static std::span<const EnumName<GeluRule>> names_of(GeluRule) {
  return kGeluRules;
}

template <typename Visit>
static void visit_fields(DynamicLossScale& scale, Visit&& visit) {
  visit("initial", scale.initial);
  visit("growth_factor", scale.growth_factor);
  visit("backoff_factor", scale.backoff_factor);
  visit("growth_interval", scale.growth_interval);
}

template <typename Visit>
static void visit_fields(DtypePolicy& policy, Visit&& visit) {
  visit("name", policy.name);
  visit("description", policy.description);
  visit("parameters", policy.parameters);
  visit("compute", policy.compute);
  visit("autocast_rules", policy.autocast_rules);
  visit("tf32", policy.tf32);
  visit("loss", policy.loss);
  visit("gelu", policy.gelu);
  visit("gradients", policy.gradients);
  visit("loss_scaling", policy.loss_scaling);
  visit("loss_scale", policy.loss_scale);
  visit("optimizer_states", policy.optimizer_states);
  visit("embedding_states", policy.embedding_states);
  visit("optimizer_arithmetic", policy.optimizer_arithmetic);
  visit("update_rounding", policy.update_rounding);
  visit("epsilon", policy.epsilon);
  visit("perturb_initial_ulp", policy.perturb_initial_ulp);
}

namespace {

bool is_16_bit(Dtype dtype) {
  return dtype == Dtype::kBFloat16 || dtype == Dtype::kFloat16;
}

int bits(Dtype dtype) {
  return dtype == Dtype::kFloat64 ? 64 : dtype == Dtype::kFloat32 ? 32 : 16;
}

StateFormat state_format(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFloat64:
      return StateFormat::kFloat64;
    case Dtype::kBFloat16:
      return StateFormat::kBFloat16;
    case Dtype::kFloat16:
      return StateFormat::kFloat16;
    case Dtype::kFloat32:
      break;
  }
  return StateFormat::kFloat32;
}

// Refuses one policy file with a contradiction at a time.
class PolicyCheck {
 public:
  PolicyCheck(const DtypePolicy& policy, std::string origin)
      : policy_(policy), origin_(std::move(origin)) {}

  void all() const {
    casts();
    scaling();
    optimizer();
    double_precision();
    ranges();
  }

 private:
  void require(bool holds, const std::string& contradiction, const std::string& hint) const {
    if (!holds)
      throw usage_error(concat("Policy '", policy_.name, "' in ", origin_,
                               " contradicts itself: ", contradiction, "."),
                        hint);
  }

  void casts() const {
    const DtypePolicy& p = policy_;
    if (p.autocast_rules == AutocastRules::kNone)
      require(p.compute == p.parameters,
              concat("without mixed precision (autocast_rules = \"none\") matmuls run in the "
                     "weights' datatype, but compute = \"",
                     to_string(p.compute), "\" and parameters = \"", to_string(p.parameters), "\""),
              "Set autocast_rules = \"cuda\", or make the two equal.");
    else
      require(p.parameters == Dtype::kFloat32 && is_16_bit(p.compute),
              concat("mixed precision (autocast_rules = \"", to_string(p.autocast_rules),
                     "\") keeps fp32 weights and computes in 16 bits, but parameters = \"",
                     to_string(p.parameters), "\" and compute = \"", to_string(p.compute), "\""),
              "Set parameters = \"fp32\" and compute = \"bf16\" or \"fp16\".");
    require(
        !p.tf32 || p.compute == Dtype::kFloat32,
        concat("tf32 = true truncates fp32 matmuls, but compute = \"", to_string(p.compute), "\""),
        "Set compute = \"fp32\" or leave tf32 out.");
    require(
        p.gradients == p.parameters || (p.gradients == Dtype::kFloat32 && is_16_bit(p.parameters)),
        concat("gradients = \"", to_string(p.gradients), "\" with parameters = \"",
               to_string(p.parameters), "\""),
        "Store gradients in the parameters' datatype, or in fp32 for 16-bit parameters.");
  }

  void scaling() const {
    const DtypePolicy& p = policy_;
    const DynamicLossScale& s = p.loss_scale;
    require(!p.loss_scaling || p.compute == Dtype::kFloat16,
            concat("loss_scaling = true compensates for fp16's range, but compute = \"",
                   to_string(p.compute), "\""),
            "Set compute = \"fp16\" or leave loss_scaling out.");
    require(p.loss_scaling || field_to_json(s) == field_to_json(DynamicLossScale{}),
            "loss_scale is set, but loss_scaling = false",
            "Set loss_scaling = true or leave loss_scale out.");
    require(s.initial <= std::numeric_limits<float>::max() &&
                s.growth_interval <= std::numeric_limits<std::int32_t>::max(),
            "loss_scale.initial exceeds fp32, or loss_scale.growth_interval exceeds 32 bits",
            "The defaults are 65536 and 2000.");
    require(std::isfinite(s.initial) && s.initial >= 1 && s.growth_factor > 1 &&
                std::isfinite(s.growth_factor) && s.backoff_factor > 0 && s.backoff_factor < 1 &&
                s.growth_interval >= 1,
            "loss_scale needs initial >= 1, growth_factor > 1, backoff_factor between 0 and 1 and "
            "growth_interval >= 1",
            "The defaults are 65536, 2, 0.5 and 2000.");
  }

  void optimizer() const {
    const DtypePolicy& p = policy_;
    const bool any_8bit = p.optimizer_states == StateFormat::kBlockwise8Bit ||
                          p.embedding_states == StateFormat::kBlockwise8Bit;
    const bool plain_rounding = p.update_rounding == UpdateRounding::kNearest;
    const std::string rounding = concat("update_rounding = \"", to_string(p.update_rounding), "\"");
    require(plain_rounding || !any_8bit, rounding + " with 8-bit optimizer states",
            "8-bit states round their updates to nearest.");
    require(plain_rounding || is_16_bit(p.parameters),
            concat(rounding, " recovers updates lost to 16-bit weights, but parameters = \"",
                   to_string(p.parameters), "\""),
            "Set parameters = \"bf16\", or update_rounding = \"nearest\".");
    require(p.update_rounding != UpdateRounding::kStochastic || p.parameters == Dtype::kBFloat16,
            concat(rounding, " rounds to bf16, but parameters = \"", to_string(p.parameters), "\""),
            "Set parameters = \"bf16\".");
    if (p.optimizer_arithmetic == OptimizerArithmetic::kFused) return;
    require(plain_rounding, rounding + " with optimizer_arithmetic = \"foreach\"",
            "Only fused arithmetic keeps an unrounded update to round.");
    require(p.optimizer_states == state_format(p.parameters) &&
                p.embedding_states == state_format(p.parameters) && p.gradients == p.parameters,
            "optimizer_arithmetic = \"foreach\" needs one datatype, but parameters, gradients "
            "and states differ",
            "Make them equal, or set optimizer_arithmetic = \"fused\".");
    require(!p.loss_scaling || !is_16_bit(p.gradients),
            concat("loss_scaling = true with gradients = \"", to_string(p.gradients),
                   "\" unscales inside the update, which optimizer_arithmetic = \"foreach\" "
                   "cannot do"),
            "Set optimizer_arithmetic = \"fused\".");
  }

  // fp64 is a yardstick for tests: all of it or none.
  void double_precision() const {
    const DtypePolicy& p = policy_;
    const std::array is_double = {p.parameters == Dtype::kFloat64, p.compute == Dtype::kFloat64,
                                  p.gradients == Dtype::kFloat64,
                                  p.optimizer_states == StateFormat::kFloat64,
                                  p.embedding_states == StateFormat::kFloat64};
    require(std::equal(is_double.begin() + 1, is_double.end(), is_double.begin()),
            "fp64 is set for only some of parameters, compute, gradients and optimizer states",
            "Set only parameters = \"fp64\"; the others follow.");
  }

  void ranges() const {
    require(std::isfinite(policy_.epsilon) && policy_.epsilon >= 0,
            concat("epsilon = ", policy_.epsilon, " is not a finite number of at least 0"),
            "The default is 1e-8.");
    require(policy_.perturb_initial_ulp >= 0 && policy_.perturb_initial_ulp <= 1024,
            concat("perturb_initial_ulp = ", policy_.perturb_initial_ulp, " is not in 0..1024"),
            "1 measures the noise floor.");
    require(policy_.perturb_initial_ulp == 0 || policy_.parameters == Dtype::kFloat32,
            concat("perturb_initial_ulp moves fp32 weights, but parameters = \"",
                   to_string(policy_.parameters), "\""),
            "Set parameters = \"fp32\", or leave perturb_initial_ulp out.");
    require(!policy_.name.empty(), "it has no name", "Give it one.");
  }

  const DtypePolicy& policy_;
  std::string origin_;
};

}  // namespace

bool has_master_weights(const DtypePolicy& policy) {
  return bits(policy.parameters) > bits(policy.compute);
}

const char* to_string(Dtype value) {
  return enum_name(value);
}
const char* to_string(StateFormat value) {
  return enum_name(value);
}
const char* to_string(OptimizerArithmetic value) {
  return enum_name(value);
}
const char* to_string(UpdateRounding value) {
  return enum_name(value);
}
const char* to_string(AutocastRules value) {
  return enum_name(value);
}
const char* to_string(LossRule value) {
  return enum_name(value);
}
const char* to_string(GeluRule value) {
  return enum_name(value);
}

Json to_json(const DtypePolicy& policy) {
  return field_to_json(policy);
}

DtypePolicy policy_from_json(const Json& json, const std::string& origin) {
  DtypePolicy policy;
  read_struct(json, {"", origin}, MissingKeys::kKeepDefaults, policy);
  if (!json.contains("compute")) policy.compute = policy.parameters;
  if (!json.contains("gradients")) policy.gradients = policy.parameters;
  if (!json.contains("optimizer_states")) policy.optimizer_states = state_format(policy.parameters);
  if (!json.contains("embedding_states")) policy.embedding_states = policy.optimizer_states;
  PolicyCheck(policy, origin).all();
  return policy;
}

}  // namespace dtbench
