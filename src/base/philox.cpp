#include "base/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dtbench {

std::uint32_t probability_threshold(double probability) {
  const double scaled = std::round(probability * 0x1p32);
  return static_cast<std::uint32_t>(std::clamp(scaled, 0.0, 0x1p32 - 1.0));
}

std::uint32_t name_hash(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char byte : name)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
  return hash;
}

std::array<double, 2> normal_pair(std::uint32_t word0, std::uint32_t word1) {
  const double radius = std::sqrt(-2.0 * std::log(unit_open(word0)));
  const double angle = 2.0 * std::numbers::pi * unit_open(word1);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

std::uint64_t below_bound(std::uint64_t bits, std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{bits} * bound) >> 64);
}

std::uint64_t PhiloxIndexStream::draw(std::uint64_t index, std::uint64_t bound) const {
  const PhiloxWords words = philox4x32_10(
      {{round_, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), 0}},
      key_);
  return below_bound((std::uint64_t{words.v[0]} << 32) | words.v[1], bound);
}

}  // namespace dtbench
