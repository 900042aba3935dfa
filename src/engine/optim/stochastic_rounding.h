// Rounding to one of the two bf16 neighbours with the probability of its nearness, resolved to
// 2^-16. For CPU and GPU: no header of ATen.
#pragma once

#include <cstdint>

#include "base/philox.h"

namespace dtbench {

// Element 8g + 2w + h of a tensor takes the low (h = 0) or high half of word w of philox(counter =
// {step, g low, g high, tensor}): docs/adr/0003.
struct StochasticDraw {
  PhiloxKey key;
  std::uint32_t step, tensor;
};

DTBENCH_HOST_DEVICE inline PhiloxWords stochastic_words(const StochasticDraw& draw,
                                                        std::int64_t group) {
  return philox4x32_10({{draw.step, static_cast<std::uint32_t>(group),
                         static_cast<std::uint32_t>(group >> 32), draw.tensor}},
                       draw.key);
}

DTBENCH_HOST_DEVICE inline std::uint32_t stochastic_half(const PhiloxWords& words, int lane) {
  return (words.v[lane / 2] >> (16 * (lane % 2))) & 0xffffu;
}

// The bits of a bf16 number from those of a finite fp32 number.
DTBENCH_HOST_DEVICE inline std::uint16_t stochastic_bf16(std::uint32_t bits, std::uint32_t half) {
  return static_cast<std::uint16_t>((bits + half) >> 16);
}

}  // namespace dtbench
