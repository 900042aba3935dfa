// A CPU's dropout masks: the draws of base/philox.h, many counters at a time.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace dtbench::kernels {

// out[channel] of one token is 0 where word channel % 4 of philox({step, sample, token,
// channel / 4}, key) is below `threshold`, else `kept_value`.
struct TokenDraw {
  PhiloxKey key;
  std::uint32_t step, sample, token;
  std::uint32_t threshold;
  float kept_value;
};
void fill_token(const TokenDraw& draw, std::int64_t channels, float* out);

}  // namespace dtbench::kernels
