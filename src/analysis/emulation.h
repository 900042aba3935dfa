// What a CPU's times are worth.
#pragma once

#include "base/json.h"

namespace dtbench {

// A CPU emulates 16-bit matmuls: what is fastest there is fastest nowhere else. `device`: of an
// audit's identity, which names the host's CPU beside a GPU, too.
inline bool is_cpu(const Json& device) {
  return member_or_null(device, "/device") == "cpu";
}

}  // namespace dtbench
