// How closely a run looks at its own numbers. No field of a spec: it changes none of them.
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
