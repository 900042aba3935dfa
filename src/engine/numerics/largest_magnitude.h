// The largest magnitude of floating numbers, as their bits: without the sign, the bits of IEEE
// formats and of bf16 are in the order of the magnitudes, infinity and then NaN at the end. For
// sources of one instruction set: no header of ATen.
#pragma once

#include <cstdint>

namespace dtbench::kernels {

std::uint64_t largest_magnitude(const std::uint64_t* bits, std::int64_t count);
std::uint32_t largest_magnitude(const std::uint32_t* bits, std::int64_t count);
std::uint16_t largest_magnitude(const std::uint16_t* bits, std::int64_t count);

}  // namespace dtbench::kernels
