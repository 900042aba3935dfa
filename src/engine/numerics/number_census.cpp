#include "engine/numerics/number_census.h"

#include <algorithm>

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {
namespace {

// Counts are as wide as the numbers, so that a vector holds as many of them: a block's fit.
constexpr std::int64_t kBlock = 32768;

template <typename Bits>
__attribute__((always_inline)) inline void add_block(NumberCensus<Bits>& sum, const Bits* bits,
                                                     std::int64_t count,
                                                     NumberFormat<Bits> format) {
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  const auto largest_finite = static_cast<Bits>(format.infinity - 1);
  Bits zeros = 0, below_normal = 0, saturated = 0, largest = 0, smallest = kMagnitude;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto x = static_cast<Bits>(bits[i] & kMagnitude);
    zeros = static_cast<Bits>(zeros + (x == 0 ? 1 : 0));
    below_normal = static_cast<Bits>(below_normal + (x < format.smallest_normal ? 1 : 0));
    saturated = static_cast<Bits>(saturated + (x >= largest_finite ? 1 : 0));
    const Bits finite = x < format.infinity ? x : Bits{0};
    largest = finite > largest ? finite : largest;
    const Bits nonzero = x == 0 ? kMagnitude : x;
    smallest = nonzero < smallest ? nonzero : smallest;
  }
  sum.zeros += zeros;
  sum.subnormals += static_cast<std::int64_t>(below_normal) - static_cast<std::int64_t>(zeros);
  sum.saturated += saturated;
  sum.largest = std::max(sum.largest, largest);
  sum.smallest = std::min(sum.smallest, smallest);
}

template <typename Bits>
__attribute__((always_inline)) inline NumberCensus<Bits> counted(const Bits* bits,
                                                                 std::int64_t count,
                                                                 NumberFormat<Bits> format) {
  NumberCensus<Bits> sum;
  for (std::int64_t begin = 0; begin < count; begin += kBlock)
    add_block(sum, bits + begin, count - begin < kBlock ? count - begin : kBlock, format);
  return sum;
}

}  // namespace

DTBENCH_CPU_CLONES NumberCensus<std::uint64_t> census(const std::uint64_t* bits, std::int64_t count,
                                                      NumberFormat<std::uint64_t> format) {
  return counted(bits, count, format);
}

DTBENCH_CPU_CLONES NumberCensus<std::uint32_t> census(const std::uint32_t* bits, std::int64_t count,
                                                      NumberFormat<std::uint32_t> format) {
  return counted(bits, count, format);
}

DTBENCH_CPU_CLONES NumberCensus<std::uint16_t> census(const std::uint16_t* bits, std::int64_t count,
                                                      NumberFormat<std::uint16_t> format) {
  return counted(bits, count, format);
}

}  // namespace dtbench::kernels
