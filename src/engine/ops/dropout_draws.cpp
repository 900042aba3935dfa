#include "engine/ops/dropout_draws.h"

#include <cstring>

#include "engine/numerics/cpu_clones.h"

namespace dtbench::kernels {
namespace {

// Counters at a time, a word of each in an array of its own, so that loops over them fill vector
// registers.
constexpr std::int64_t kLanes = 32, kChannels = 4 * kLanes;

struct Lanes {
  std::uint32_t word0[kLanes], word1[kLanes], word2[kLanes], word3[kLanes];
};

// Pointers that are parameters are what GCC believes to be unaliased.
__attribute__((always_inline)) inline void round_of_all(std::uint32_t* __restrict word0,
                                                        std::uint32_t* __restrict word1,
                                                        std::uint32_t* __restrict word2,
                                                        std::uint32_t* __restrict word3,
                                                        PhiloxKey key) {
  for (std::int64_t j = 0; j < kLanes; ++j) {
    const PhiloxWords next = philox_round({{word0[j], word1[j], word2[j], word3[j]}}, key);
    word0[j] = next.v[0];
    word1[j] = next.v[1];
    word2[j] = next.v[2];
    word3[j] = next.v[3];
  }
}

// philox4x32_10 of kLanes counters, the last word from `group` on.
__attribute__((always_inline)) inline void draw_all(const TokenDraw& draw, std::uint32_t group,
                                                    Lanes& lanes) {
  for (std::int64_t j = 0; j < kLanes; ++j) {
    lanes.word0[j] = draw.step;
    lanes.word1[j] = draw.sample;
    lanes.word2[j] = draw.token;
    lanes.word3[j] = group + static_cast<std::uint32_t>(j);
  }
  PhiloxKey key = draw.key;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    round_of_all(lanes.word0, lanes.word1, lanes.word2, lanes.word3, key);
    key = next_key(key);
  }
}

}  // namespace

DTBENCH_CPU_CLONES void fill_token(const TokenDraw& given, std::int64_t channels, float* out) {
  const TokenDraw draw = given;
  const auto value = [&](std::uint32_t word) {
    return word < draw.threshold ? 0.0f : draw.kept_value;
  };
  for (std::int64_t channel = 0; channel < channels; channel += kChannels) {
    Lanes lanes;
    draw_all(draw, static_cast<std::uint32_t>(channel / 4), lanes);
    float values[kChannels];
    for (std::int64_t j = 0; j < kLanes; ++j) {
      values[4 * j] = value(lanes.word0[j]);
      values[4 * j + 1] = value(lanes.word1[j]);
      values[4 * j + 2] = value(lanes.word2[j]);
      values[4 * j + 3] = value(lanes.word3[j]);
    }
    const std::int64_t left = channels - channel < kChannels ? channels - channel : kChannels;
    std::memcpy(out + channel, values, static_cast<std::size_t>(left) * sizeof(float));
  }
}

}  // namespace dtbench::kernels
