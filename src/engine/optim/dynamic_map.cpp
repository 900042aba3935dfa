#include "engine/optim/dynamic_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace dtbench {
namespace {

// count + 1 numbers from 0.1 to 1 as torch.linspace counts them: from the nearer end.
std::vector<float> boundaries(int count) {
  const float step = (1.0f - 0.1f) / static_cast<float>(count);
  std::vector<float> result;
  for (int k = 0; k <= count; ++k)
    result.push_back(k < (count + 1) / 2 ? std::fma(step, static_cast<float>(k), 0.1f)
                                         : std::fma(-step, static_cast<float>(count - k), 1.0f));
  return result;
}

DynamicMap make_map(bool with_signs) {
  std::vector<float> values = {0.0f, 1.0f};
  for (int decade = 0; decade < 7; ++decade) {
    const auto power = static_cast<float>(std::pow(10.0, decade - 6));
    const std::vector<float> bounds = boundaries(1 << (with_signs ? decade : decade + 1));
    for (std::size_t k = 1; k < bounds.size(); ++k) {
      const float value = power * ((bounds[k - 1] + bounds[k]) / 2);
      values.push_back(value);
      if (with_signs) values.push_back(-value);
    }
  }
  DynamicMap map{};
  std::sort(values.begin(), values.end());
  std::copy_n(values.begin(), map.size(), map.begin());
  return map;
}

}  // namespace

const DynamicMap& signed_dynamic_map() {
  static const DynamicMap map = make_map(true);
  return map;
}

const DynamicMap& unsigned_dynamic_map() {
  static const DynamicMap map = make_map(false);
  return map;
}

CodeThresholds code_thresholds(const DynamicMap& map) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  CodeThresholds thresholds{};
  for (std::size_t code = 0; code + 1 < map.size(); ++code) {
    const float midpoint = (map[code] + map[code + 1]) * 0.5f;
    // Above an odd code the midpoint itself is the even one's.
    thresholds[code] = code % 2 == 0 ? midpoint : std::nextafter(midpoint, -kInfinity);
  }
  thresholds.back() = kInfinity;
  return thresholds;
}

CodeBuckets code_buckets(const CodeThresholds& thresholds) {
  const auto codes_below = [&](float x) {
    return static_cast<std::int32_t>(std::lower_bound(thresholds.begin(), thresholds.end(), x) -
                                     thresholds.begin());
  };
  CodeBuckets buckets{};
  for (std::uint32_t i = 0; i < kBucketsOfASign; ++i) {
    // Bits of the numbers of least and largest magnitude.
    const std::uint32_t first = i == 0 ? 0 : (i + kLeastBucket) << 16;
    const bool last = i + 1 == kBucketsOfASign;
    const std::uint32_t end = last ? 0x7f800000u : ((i + kLeastBucket) << 16) | 0xffffu;
    const auto small = std::bit_cast<float>(first), large = std::bit_cast<float>(end);
    buckets.lowest[i] = codes_below(small);
    buckets.lowest[i + kBucketsOfASign] = codes_below(-large);
    if (codes_below(large) - codes_below(small) > 1 ||
        codes_below(-small) - codes_below(-large) > 1)
      throw std::logic_error("two thresholds of an 8-bit number in one bucket");
  }
  return buckets;
}

}  // namespace dtbench
