// The parts of a training step, in their order, and what can be found there, as records name them.
#pragma once

#include <array>

#include "config/enum_names.h"

namespace dtbench {

enum class Phase { kForward, kLoss, kBackward, kOptimizer };
constexpr auto names_of(Phase) {
  return std::array{EnumName{Phase::kForward, "forward"}, EnumName{Phase::kLoss, "loss"},
                    EnumName{Phase::kBackward, "backward"},
                    EnumName{Phase::kOptimizer, "optimizer"}};
}

enum class NonfiniteKind { kNan, kInf };
constexpr auto names_of(NonfiniteKind) {
  return std::array{EnumName{NonfiniteKind::kNan, "nan"}, EnumName{NonfiniteKind::kInf, "inf"}};
}

}  // namespace dtbench
