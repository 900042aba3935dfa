// How much a run records of its numeric health. No field of a spec, since it changes no number.
#pragma once

#include <array>

#include "config/enum_names.h"

namespace dtbench {

enum class HealthLevel { kOff, kLight, kFull };
constexpr auto names_of(HealthLevel) {
  return std::array{EnumName{HealthLevel::kOff, "off"}, EnumName{HealthLevel::kLight, "light"},
                    EnumName{HealthLevel::kFull, "full"}};
}

}  // namespace dtbench
