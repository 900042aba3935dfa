#include "engine/numerics/largest_magnitude.h"

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {

namespace {

// Inlined into each of the clones, which give it their instruction set.
template <typename Bits>
__attribute__((always_inline)) inline Bits largest(const Bits* bits, std::int64_t count) {
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  Bits found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto magnitude = static_cast<Bits>(bits[i] & kMagnitude);
    found = magnitude > found ? magnitude : found;
  }
  return found;
}

}  // namespace

DTBENCH_CPU_CLONES std::uint64_t largest_magnitude(const std::uint64_t* bits, std::int64_t count) {
  return largest(bits, count);
}

DTBENCH_CPU_CLONES std::uint32_t largest_magnitude(const std::uint32_t* bits, std::int64_t count) {
  return largest(bits, count);
}

DTBENCH_CPU_CLONES std::uint16_t largest_magnitude(const std::uint16_t* bits, std::int64_t count) {
  return largest(bits, count);
}

}  // namespace dtbench::kernels
