// The parts of a training step, in their order, as records name them.
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

}  // namespace dtbench
