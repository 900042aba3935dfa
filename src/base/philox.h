// Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3" (SC'11): four 32-bit words as a pure function of a 128-bit counter
// and a 64-bit key. Every random draw of a cell is such a function of what it is for (contract:
// "Randomness"), so no draw depends on order, threads, micro-batch, device or policy.
// The generator itself is in this header, so that the CUDA plug-in computes the same words.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#if defined(__CUDACC__)
#define DTBENCH_HOST_DEVICE __host__ __device__
#else
#define DTBENCH_HOST_DEVICE
#endif

namespace dtbench {

struct PhiloxWords {
  std::uint32_t v[4];
};

struct PhiloxKey {
  std::uint32_t seed;
  std::uint32_t stream;
};

inline constexpr int kPhiloxRounds = 10;

DTBENCH_HOST_DEVICE inline PhiloxWords philox_round(PhiloxWords counter, PhiloxKey key) {
  constexpr std::uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  const std::uint64_t product0 = std::uint64_t{kMultiplier0} * counter.v[0];
  const std::uint64_t product1 = std::uint64_t{kMultiplier1} * counter.v[2];
  return {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.v[1] ^ key.seed,
           static_cast<std::uint32_t>(product1),
           static_cast<std::uint32_t>(product0 >> 32) ^ counter.v[3] ^ key.stream,
           static_cast<std::uint32_t>(product0)}};
}

DTBENCH_HOST_DEVICE inline PhiloxKey next_key(PhiloxKey key) {
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  return {key.seed + kWeyl0, key.stream + kWeyl1};
}

DTBENCH_HOST_DEVICE inline PhiloxWords philox4x32_10(PhiloxWords counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    counter = philox_round(counter, key);
    key = next_key(key);
  }
  return counter;
}

// The streams: what a draw is for. Dropout site s of a model uses kDropout + s.
namespace stream {
inline constexpr std::uint32_t kInitialWeights = 1;
inline constexpr std::uint32_t kDataOrder = 2;
inline constexpr std::uint32_t kMasking = 3;
inline constexpr std::uint32_t kStochasticRounding = 4;
inline constexpr std::uint32_t kSyntheticCorpus = 5;
inline constexpr std::uint32_t kCanary = 6;
inline constexpr std::uint32_t kBootstrap = 7;
inline constexpr std::uint32_t kReplayedWeights = 8;
inline constexpr std::uint32_t kDropout = 0x100;
}  // namespace stream

// A probability as an integer threshold: a draw w happens when w < threshold. Exact for every
// device; p is resolved to 2^-32.
std::uint32_t probability_threshold(double probability);

// A name as a word of a counter: Fowler, Noll and Vo's hash, 32 bits, variant 1a.
std::uint32_t name_hash(std::string_view name);

// A double in (0, 1) from 32 random bits: (w + 0.5) / 2^32. Never 0 nor 1.
inline double unit_open(std::uint32_t word) {
  return (static_cast<double>(word) + 0.5) * 0x1p-32;
}

// Two independent N(0, 1) values from two words (Box and Muller 1958), in double.
std::array<double, 2> normal_pair(std::uint32_t word0, std::uint32_t word1);

// 0 .. bound - 1 from 64 random bits: the high half of (bits x bound), Lemire 2019; bias below
// bound / 2^64.
std::uint64_t below_bound(std::uint64_t bits, std::uint64_t bound);

// Uniform integers of one stream and round (an epoch, say): draw `index` has counter (round, index
// low, index high, 0), so any draw can be had without those before it.
class PhiloxIndexStream {
 public:
  PhiloxIndexStream(PhiloxKey key, std::uint32_t round) : key_(key), round_(round) {}
  std::uint64_t draw(std::uint64_t index, std::uint64_t bound) const;

 private:
  PhiloxKey key_;
  std::uint32_t round_;
};

}  // namespace dtbench
