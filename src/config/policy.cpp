#include "config/policy.h"

#include <algorithm>
#include <array>
#include <limits>

#include "config/fields.h"
#include "config/module_pattern.h"

namespace dtbench {
template <typename Visit>
static void visit_fields(DynamicLossScale& scale, Visit&& visit) {
  visit(Field("initial", "initial scale").between(1, std::numeric_limits<float>::max()),
        scale.initial);
  visit(Field("growth_factor", "factor after growth_interval steps without overflow").above(1),
        scale.growth_factor);
  visit(
      Field("backoff_factor", "factor after an overflow, whose step is skipped").above(0).below(1),
      scale.backoff_factor);
  visit(Field("growth_interval", "steps").between(1, std::numeric_limits<std::int32_t>::max()),
        scale.growth_interval);
}

template <typename Visit>
static void visit_fields(PolicyException& exception, Visit&& visit) {
  visit("module", exception.module);
  visit("compute", exception.compute);
}

template <typename Visit>
static void visit_fields(DtypePolicy& policy, Visit&& visit) {
  visit("name", policy.name);
  visit("description", policy.description);
  visit(Field("parameters", "stored weights; under mixed precision, the master weights"),
        policy.parameters);
  visit(Field("compute", "operands of matmuls"), policy.compute);
  visit(Field("autocast_rules", "cast lists of mixed precision: none, cuda or cpu"),
        policy.autocast_rules);
  visit(Field("tf32", "fp32 matmuls may use TF32"), policy.tf32);
  visit(Field("loss", "contract: fp32 after the logits; transformers: each head's own roundings"),
        policy.loss);
  visit(Field("gelu", "kernel: one operation, fp32 inside; composite: Transformers' chain"),
        policy.gelu);
  visit(Field("gradients", "stored gradients, across micro-batches"), policy.gradients);
  visit(Field("loss_scaling", "dynamic loss scale, like torch's GradScaler"), policy.loss_scaling);
  visit("loss_scale", policy.loss_scale);
  visit(Field("optimizer_states", "AdamW's two moments"), policy.optimizer_states);
  visit(Field("embedding_states", "the two moments of embeddings"), policy.embedding_states);
  visit(Field("optimizer_arithmetic", "fused: fp32 inside; foreach: rounded after every operation"),
        policy.optimizer_arithmetic);
  visit(Field("update_rounding", "rounding of updated weights: nearest, stochastic or kahan"),
        policy.update_rounding);
  visit(Field("epsilon", "AdamW's").at_least(0), policy.epsilon);
  visit(Field("perturb_initial_ulp", "ulps by which each initial weight is moved").between(0, 1024),
        policy.perturb_initial_ulp);
  visit(Field("exception", "modules that compute in fp32; * is any one part of a name")
            .historically(Json::array()),
        policy.exceptions);
}

namespace {

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
    exceptions();
    the_rest();
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

  void exceptions() const {
    const DtypePolicy& p = policy_;
    for (const PolicyException& exception : p.exceptions) {
      const std::string which = concat("the exception for '", exception.module, "'");
      require(is_module_pattern(exception.module),
              which + " names no module: expected parts of a name or *, with a dot between two",
              "For example module = \"transformer.h.*.ln_2\".");
      require(exception.compute == Dtype::kFloat32,
              concat(which, " has compute = \"", to_string(exception.compute), "\""),
              "Set compute = \"fp32\": exceptions widen.");
      require(is_16_bit(p.compute),
              concat(which, " computes in fp32, but with compute = \"", to_string(p.compute),
                     "\" no module computes in less"),
              "Leave it out, or set compute = \"bf16\" or \"fp16\".");
    }
    const auto twice = std::ranges::adjacent_find(p.exceptions, {}, &PolicyException::module);
    require(
        twice == p.exceptions.end(),
        twice == p.exceptions.end() ? "" : concat("two exceptions are for '", twice->module, "'"),
        "Leave one out.");
  }

  void the_rest() const {
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

bool is_16_bit(Dtype dtype) {
  return dtype == Dtype::kBFloat16 || dtype == Dtype::kFloat16;
}

bool has_master_weights(const DtypePolicy& policy) {
  return bits(policy.parameters) > bits(policy.compute);
}

std::vector<PolicyField> policy_fields() {
  std::vector<PolicyField> fields;
  const auto collect = [&](const std::string& prefix, const Field& field) {
    fields.push_back({prefix + field.name, field.meaning});
  };
  DtypePolicy any;
  visit_fields(any, [&]<typename Member>(const Field& field, Member& member) {
    const std::string name = field.name;
    if constexpr (FieldStruct<Member>)
      visit_fields(member, [&](const Field& its, auto&) { collect(name + ".", its); });
    else if (name != "name" && name != "description")
      collect("", field);
  });
  return fields;
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
  // Their order means nothing, so it is no part of a cell's identity.
  std::ranges::sort(policy.exceptions, {}, &PolicyException::module);
  require_ranges(policy, {"", origin});
  PolicyCheck(policy, origin).all();
  return policy;
}

Json policy_without_historical(Json policy) {
  omit_historical<DtypePolicy>(policy);
  return policy;
}

Json policy_with_historical(Json policy) {
  fill_in_historical<DtypePolicy>(policy);
  return policy;
}

}  // namespace dtbench
