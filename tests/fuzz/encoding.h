// Text to ids and back.
#pragma once

#include <string_view>

#include "data/byte_level_bpe.h"

namespace dtbench {

// The ids of a text spell it again, with U+FFFD for what is no UTF-8. Throws what is a fault.
void require_round_trip(const ByteLevelBpe& bpe, std::string_view text);

}  // namespace dtbench
