// By what a run can come to a value that is not finite.
#pragma once

#include <array>
#include <string>

#include "config/enum_names.h"

namespace dtbench {

enum class Mechanism {
  kSecondMomentUnderflow,  // stored as 0 or subnormal: the step is first moment over epsilon
  kEightBitMomentZero,     // the same by block-wise quantization
  kEpsilonUnderflow,       // epsilon rounds to 0: 0 / 0 where an element has had no gradient
  kScoreOverflow,          // attention's scores
  kActivationOverflow,     // any other result of a forward operation
  kGradientOverflow,       // a result of a backward operation, scaled or not
  kNormOverflow,           // of finite gradients
  kWeightOverflow,         // by steps of the right length
  kUnknown,
};
constexpr auto names_of(Mechanism) {
  return std::array{EnumName{Mechanism::kSecondMomentUnderflow, "second_moment_underflow"},
                    EnumName{Mechanism::kEightBitMomentZero, "eight_bit_moment_zero"},
                    EnumName{Mechanism::kEpsilonUnderflow, "epsilon_underflow"},
                    EnumName{Mechanism::kScoreOverflow, "score_overflow"},
                    EnumName{Mechanism::kActivationOverflow, "activation_overflow"},
                    EnumName{Mechanism::kGradientOverflow, "gradient_overflow"},
                    EnumName{Mechanism::kNormOverflow, "norm_overflow"},
                    EnumName{Mechanism::kWeightOverflow, "weight_overflow"},
                    EnumName{Mechanism::kUnknown, "unknown"}};
}

// In three words, for tables: "second moments underflow".
std::string cause_in_words(Mechanism mechanism);

}  // namespace dtbench
