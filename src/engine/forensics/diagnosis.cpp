#include "engine/forensics/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "engine/forensics/magnitude.h"
#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

std::string number(double value) {
  return formatted("%.3g", value);
}

bool rounds_every_operation(const RunSpec& spec) {
  return spec.policy.optimizer_arithmetic == OptimizerArithmetic::kForeach;
}

bool epsilon_is_zero(const RunSpec& spec) {
  return rounds_every_operation(spec) &&
         spec.policy.epsilon < smallest_of(scalar_type(spec.policy.parameters)) / 2;
}

// The step that the stored moments and the gradient make, in learning rates and in fp64: whether a
// weight moved too far for them, or they themselves were wrong. NaN: 0 / 0.
double step_of_moments(const LongestStep& step, const RunSpec& spec) {
  const TrainSpec& train = spec.train;
  const auto t = static_cast<double>(step.updates);
  const bool stored = rounds_every_operation(spec);  // the new moments are rounded before their use
  const double m =
      stored ? step.exp_avg : train.beta1 * step.exp_avg_before + (1 - train.beta1) * step.gradient;
  const double v = stored ? step.exp_avg_sq
                          : train.beta2 * step.exp_avg_sq_before +
                                (1 - train.beta2) * step.gradient * step.gradient;
  const double epsilon = epsilon_is_zero(spec) ? 0 : spec.policy.epsilon;
  const double root = std::sqrt(v / (1 - std::pow(train.beta2, t)));
  return std::abs(m / (1 - std::pow(train.beta1, t))) / (root + epsilon);
}

// Below the smallest normal number digits are missing, below the smallest subnormal all of them.
bool has_underflowed(double exp_avg_sq, const std::string& states) {
  return states == "fp16" ? exp_avg_sq < 0x1p-14 : exp_avg_sq == 0;
}

Mechanism mechanism_of(const LongestStep& step, const RunSpec& spec, double bound) {
  if (step.states == "8-bit")
    return step.exp_avg_sq_before == 0 ? Mechanism::kEightBitMomentZero : Mechanism::kUnknown;
  const double expected = step_of_moments(step, spec);
  if (std::isnan(expected) && epsilon_is_zero(spec)) return Mechanism::kEpsilonUnderflow;
  const bool wrong_moments =
      expected > bound && has_underflowed(step.exp_avg_sq_before, step.states);
  return wrong_moments ? Mechanism::kSecondMomentUnderflow : Mechanism::kUnknown;
}

std::string length_of(const LongestStep& step) {
  return std::isfinite(step.rates) ? concat("by ", number(step.rates), " learning rates")
                                   : std::string("beyond every bound");
}

std::string story_of(const LongestStep& step, const RunSpec& spec, double bound) {
  std::string text =
      concat(step.parameter, "[", step.element, "] moved ", length_of(step), ", from ",
             number(step.weight_before), " to ", number(step.weight_after),
             "; exact AdamW moves no weight by more than ", number(bound), ". Its first moment is ",
             number(step.exp_avg), ", its second moment ", number(step.exp_avg_sq_before),
             " before and ", number(step.exp_avg_sq), " after the step (", step.states,
             "), its gradient ", number(step.gradient), ", epsilon ", number(spec.policy.epsilon));
  if (epsilon_is_zero(spec)) text += concat(", which is 0 in ", step.states);
  return text + ".";
}

// The optimizer's own: a step that exact arithmetic cannot make.
std::optional<Diagnosis> impossible_step(const ReplayEvidence& evidence) {
  const TrainSpec& train = evidence.spec.train;
  const double bound = longest_exact_step(train.beta1, train.beta2);
  for (const StepSignals& step : evidence.steps) {
    if (!step.update || !(step.update->longest.rates > bound)) continue;
    const LongestStep& longest = step.update->longest;
    const Mechanism mechanism = mechanism_of(longest, evidence.spec, bound);
    if (mechanism == Mechanism::kUnknown) continue;
    return Diagnosis{mechanism, step.event.step, story_of(longest, evidence.spec, bound)};
  }
  return std::nullopt;
}

Mechanism mechanism_of(const Origin& origin) {
  if (origin.phase == Phase::kBackward) return Mechanism::kGradientOverflow;
  const bool score = origin.operation == "attention" && origin.exact &&
                     std::abs(*origin.exact) > origin.largest_finite;
  return score ? Mechanism::kScoreOverflow : Mechanism::kActivationOverflow;
}

// An infinity that a datatype cannot avoid, or a NaN made of one inside the operation.
std::optional<Diagnosis> overflow(const ReplayEvidence& evidence) {
  if (!evidence.origin) return std::nullopt;
  const Origin& origin = *evidence.origin;
  std::string text = concat(origin.operation, " of ",
                            origin.module.empty() ? std::string("the model") : origin.module,
                            " gives ", origin.value, " in ", origin.datatype, ", which ends at ",
                            number(origin.largest_finite));
  if (origin.exact)
    text += concat(origin.operation == "attention" ? "; its largest score is " : "; exactly it is ",
                   number(*origin.exact));
  return Diagnosis{mechanism_of(origin), evidence.nonfinite->step, text + "."};
}

Diagnosis by_event(const ReplayEvidence& evidence) {
  const NonFiniteEvent& event = *evidence.nonfinite;
  if (event.tensor == "grad_norm")
    return {Mechanism::kNormOverflow, event.step,
            "All gradients are finite, but their norm is not."};
  if (event.phase == Phase::kOptimizer && event.kind == NonfiniteKind::kInf)
    return {Mechanism::kWeightOverflow, event.step,
            concat(event.tensor, " left the range of its datatype by steps of the right length.")};
  return {Mechanism::kUnknown, event.step,
          concat("No mechanism known here explains ", to_string(event.kind), " in ", event.tensor,
                 ".")};
}

}  // namespace

std::string cause_in_words(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::kSecondMomentUnderflow:
      return "second moments underflow";
    case Mechanism::kEightBitMomentZero:
      return "8-bit moments zero";
    case Mechanism::kEpsilonUnderflow:
      return "epsilon rounds to 0";
    case Mechanism::kScoreOverflow:
      return "attention scores overflow";
    case Mechanism::kActivationOverflow:
      return "an activation overflows";
    case Mechanism::kGradientOverflow:
      return "a gradient overflows";
    case Mechanism::kNormOverflow:
      return "gradient norm overflows";
    case Mechanism::kWeightOverflow:
      return "a weight overflows";
    case Mechanism::kUnknown:
      break;
  }
  return "cause not known";
}

std::vector<Diagnosis> diagnose(const ReplayEvidence& evidence) {
  std::vector<Diagnosis> found;
  if (!evidence.nonfinite) return found;
  if (const auto step = impossible_step(evidence)) found.push_back(*step);
  if (const auto result = overflow(evidence)) found.push_back(*result);
  if (found.empty()) found.push_back(by_event(evidence));
  return found;
}

}  // namespace dtbench
