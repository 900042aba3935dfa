// What numbers a tensor holds, by their bits, in one pass: without the sign, the bits of IEEE
// formats and of bf16 are in the order of the magnitudes, with zero, subnormal, normal and
// non-finite numbers one after the other. For sources of one instruction set: no header of ATen.
#pragma once

#include <cstdint>

namespace dtbench::kernels {

// A format by what its magnitudes are compared with.
template <typename Bits>
struct NumberFormat {
  Bits smallest_normal;
  Bits infinity;
};
template <typename Bits>
constexpr NumberFormat<Bits> number_format(int mantissa_bits) {
  constexpr int kBits = 8 * static_cast<int>(sizeof(Bits)) - 1;
  const auto one = static_cast<Bits>(Bits{1} << mantissa_bits);
  return {one, static_cast<Bits>(((Bits{1} << (kBits - mantissa_bits)) - 1) << mantissa_bits)};
}

template <typename Bits>
struct NumberCensus {
  std::int64_t zeros = 0, subnormals = 0;
  std::int64_t saturated = 0;                        // the largest finite number, infinity, NaN
  Bits largest = 0;                                  // finite
  Bits smallest = static_cast<Bits>(~Bits{0}) >> 1;  // not zero; as it is here: there was none
};

NumberCensus<std::uint64_t> census(const std::uint64_t* bits, std::int64_t count,
                                   NumberFormat<std::uint64_t> format);
NumberCensus<std::uint32_t> census(const std::uint32_t* bits, std::int64_t count,
                                   NumberFormat<std::uint32_t> format);
NumberCensus<std::uint16_t> census(const std::uint16_t* bits, std::int64_t count,
                                   NumberFormat<std::uint16_t> format);

}  // namespace dtbench::kernels
