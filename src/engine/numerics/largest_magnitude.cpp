#include "engine/numerics/largest_magnitude.h"

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {

DTBENCH_CPU_CLONES std::uint64_t largest_magnitude(const std::uint64_t* bits, std::int64_t count) {
  std::uint64_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t magnitude = bits[i] & 0x7fffffffffffffffu;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

DTBENCH_CPU_CLONES std::uint32_t largest_magnitude(const std::uint32_t* bits, std::int64_t count) {
  std::uint32_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t magnitude = bits[i] & 0x7fffffffu;
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

DTBENCH_CPU_CLONES std::uint16_t largest_magnitude(const std::uint16_t* bits, std::int64_t count) {
  std::uint16_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto magnitude = static_cast<std::uint16_t>(bits[i] & 0x7fffu);
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

}  // namespace dtbench::kernels
