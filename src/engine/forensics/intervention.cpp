#include "engine/forensics/intervention.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/forensics/module_interventions.h"

namespace dtbench {
namespace {

using Mechanisms = std::vector<Mechanism>;

bool keeps_fp16(const DtypePolicy& policy) {
  return policy.compute == Dtype::kFloat16;
}

bool larger_epsilon(RunSpec& spec) {
  constexpr double kEpsilon = 1e-4;  // a normal number of fp16
  if (spec.policy.epsilon >= kEpsilon) return false;
  spec.policy.epsilon = kEpsilon;
  return true;
}

bool fused_arithmetic(RunSpec& spec) {
  return std::exchange(spec.policy.optimizer_arithmetic, OptimizerArithmetic::kFused) !=
         OptimizerArithmetic::kFused;
}

bool fp32_states(RunSpec& spec) {
  DtypePolicy& policy = spec.policy;
  const auto narrow = [](StateFormat format) {
    return format != StateFormat::kFloat32 && format != StateFormat::kFloat64;
  };
  if (!narrow(policy.optimizer_states) && !narrow(policy.embedding_states)) return false;
  policy.optimizer_states = policy.embedding_states = StateFormat::kFloat32;
  return true;
}

bool fp32_gradients(RunSpec& spec) {
  if (!is_16_bit(spec.policy.gradients)) return false;
  spec.policy.gradients = Dtype::kFloat32;
  return true;
}

bool kahan_rounding(RunSpec& spec) {
  if (!is_16_bit(spec.policy.parameters)) return false;
  return std::exchange(spec.policy.update_rounding, UpdateRounding::kKahan) !=
         UpdateRounding::kKahan;
}

bool contract_loss(RunSpec& spec) {
  return std::exchange(spec.policy.loss, LossRule::kContract) != LossRule::kContract;
}

bool loss_scale(RunSpec& spec) {
  if (spec.policy.loss_scaling || !keeps_fp16(spec.policy)) return false;
  spec.policy.loss_scaling = true;
  return true;
}

bool smallest_loss_scale(RunSpec& spec) {
  if (!spec.policy.loss_scaling) return false;
  return std::exchange(spec.policy.loss_scale.initial, 1.0) != 1.0;
}

bool tighter_clipping(RunSpec& spec) {
  spec.train.clip_norm /= 10;
  return true;
}

bool other_reduction(RunSpec& spec) {
  if (spec.objective != multi_label()) return false;
  spec.train.bce_reduction = spec.train.bce_reduction == BceReduction::kMean
                                 ? BceReduction::kSumLabels
                                 : BceReduction::kMean;
  return true;
}

bool bf16_range(RunSpec& spec) {
  DtypePolicy& policy = spec.policy;
  if (!keeps_fp16(policy)) return false;
  policy.compute = Dtype::kBFloat16;
  for (Dtype* type : {&policy.parameters, &policy.gradients})
    if (*type == Dtype::kFloat16) *type = Dtype::kBFloat16;
  for (StateFormat* format : {&policy.optimizer_states, &policy.embedding_states})
    if (*format == StateFormat::kFloat16) *format = StateFormat::kBFloat16;
  policy.loss_scaling = false;
  policy.loss_scale = {};
  return true;
}

bool lower_rate(RunSpec& spec) {
  spec.train.learning_rate /= 10;
  return true;
}

bool all_fp32(RunSpec& spec) {
  if (spec.policy.compute == Dtype::kFloat32 || spec.policy.compute == Dtype::kFloat64)
    return false;
  const std::string name = spec.policy.name;
  spec.policy = {};
  spec.policy.name = name;
  return true;
}

Mechanisms every_mechanism() {
  Mechanisms all;
  for (const EnumName<Mechanism>& entry : names_of(Mechanism{}))
    all.push_back(entry.value);
  return all;
}

// Of settings and storage.
std::vector<Candidate> small_candidates() {
  using enum Mechanism;
  const Mechanisms moments = {kSecondMomentUnderflow, kEightBitMomentZero};
  return {
      {"epsilon",
       "AdamW's epsilon 1e-4",
       // It shortens a step over epsilon alone and leaves the moments as they are.
       {kEpsilonUnderflow},
       moments,
       larger_epsilon},
      {"arithmetic",
       "optimizer arithmetic in fp32",
       {kEpsilonUnderflow},
       moments,
       fused_arithmetic},
      {"states", "optimizer states in fp32", moments, {}, fp32_states},
      {"loss", "the loss in fp32", {kGradientOverflow}, {}, contract_loss},
      {"gradients", "stored gradients in fp32", {}, {}, fp32_gradients},
      {"rounding", "Kahan compensation of the weights", {}, {}, kahan_rounding},
      // It skips the steps whose gradients overflow.
      {"scale", "a dynamic loss scale", {}, {kGradientOverflow}, loss_scale},
      {"small_scale",
       "a loss scale that starts at 1",
       {kGradientOverflow},
       {},
       smallest_loss_scale},
      // A first moment over epsilon alone is as long as the gradients are large.
      {"clipping", "clipping at a tenth of the norm", {}, moments, tighter_clipping},
      {"reduction",
       "the other reduction of the loss",
       {},
       {kSecondMomentUnderflow, kEightBitMomentZero, kGradientOverflow},
       other_reduction},
  };
}

// Of everything at once.
std::vector<Candidate> large_candidates() {
  using enum Mechanism;
  const Mechanisms all = every_mechanism();
  return {
      {"range",
       "bf16 for fp16: more range, less precision",
       {kSecondMomentUnderflow, kEpsilonUnderflow, kScoreOverflow, kActivationOverflow,
        kGradientOverflow, kWeightOverflow},
       {},
       bf16_range},
      {"rate", "a tenth of the learning rate", {}, all, lower_rate},
      {"fp32", "fp32 everywhere", {}, all, all_fp32},
  };
}

// The spec as if it had been read from a file: a change may contradict another setting.
bool is_valid(RunSpec& spec) {
  try {
    spec.policy = policy_from_json(to_json(spec.policy), "an intervention");
    validate(spec);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Role role_of(const Intervention& intervention, Mechanism mechanism) {
  const auto holds = [mechanism](const Mechanisms& mechanisms) {
    return std::ranges::find(mechanisms, mechanism) != mechanisms.end();
  };
  if (holds(intervention.removes)) return Role::kRemedy;
  return holds(intervention.weakens) ? Role::kBlunt : Role::kControl;
}

std::vector<Intervention> interventions(const RunSpec& spec, const ModulePlaces& places,
                                        const std::optional<Origin>& origin) {
  std::vector<Intervention> result;
  // In the order of magnitude of what they change.
  for (const std::vector<Candidate>& candidates :
       {small_candidates(), module_candidates(spec, places, origin), large_candidates()})
    for (const Candidate& candidate : candidates) {
      RunSpec changed = spec;
      if (candidate.apply(changed) && is_valid(changed))
        result.push_back({candidate.id, candidate.change, candidate.removes, candidate.weakens,
                          std::move(changed)});
    }
  return result;
}

}  // namespace dtbench
