// The 8-bit numbers of block-wise optimizer states: "dynamic tree quantization" (Dettmers 2016,
// arXiv 1511.04561; Dettmers et al. 2021, arXiv 2110.02861), with bitsandbytes' tables: seven
// decades below 1, each with twice the values of the one below.
#pragma once

#include <array>
#include <cstdint>

namespace dtbench {

// The values of codes 0..255, ascending: 0, 1 and, for decade i = 0..6 (10^(i - 7) to 10^(i - 6)),
// the means of neighbours among n + 1 equally spaced numbers, with both signs and n = 2^i (signed;
// zero is code 127) or n = 2^(i + 1) (unsigned; zero is code 0). The same bits as
// bitsandbytes.functional.create_dynamic_map on a CPU with AVX2.
using DynamicMap = std::array<float, 256>;
const DynamicMap& signed_dynamic_map();
const DynamicMap& unsigned_dynamic_map();

// Where neighbouring codes part: x is stored as the number of thresholds below it, which is the
// nearest code. A tie goes to the even code; the last entry is infinity.
using CodeThresholds = std::array<float, 256>;
CodeThresholds code_thresholds(const DynamicMap& map);

// The same search in two look-ups, for vectors: a bucket is all numbers of one sign, exponent and
// first seven bits of the mantissa, and has at most one threshold in it. `lowest[bucket_of(bits)]`
// is the code of the bucket's least number.
inline constexpr std::uint32_t kLeastBucket = 0x3380;                        // below 2^-24
inline constexpr std::uint32_t kBucketsOfASign = 0x3f80 - kLeastBucket + 1;  // the last: from 1 on
struct CodeBuckets {
  std::array<std::int32_t, 2 * kBucketsOfASign> lowest;
};
CodeBuckets code_buckets(const CodeThresholds& thresholds);

inline std::uint32_t bucket_of(std::uint32_t float_bits) {
  const std::uint32_t magnitude = (float_bits & 0x7fffffffu) >> 16;
  const std::uint32_t at_least = magnitude < kLeastBucket ? 0u : magnitude - kLeastBucket;
  const std::uint32_t bucket = at_least < kBucketsOfASign ? at_least : kBucketsOfASign - 1;
  return bucket + (float_bits >> 31) * kBucketsOfASign;
}

}  // namespace dtbench
