#include "base/philox.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dtbench {
namespace {

struct KnownAnswer {
  PhiloxWords counter;
  PhiloxKey key;
  PhiloxWords expected;
};

// Random123's published known answers (kat_vectors, philox4x32 with 10 rounds).
const KnownAnswer kKnownAnswers[] = {
    {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
    {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
     {0xffffffff, 0xffffffff},
     {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
    {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     {0xa4093822, 0x299f31d0},
     {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
};

TEST(Philox, ReproducesRandom123KnownAnswers) {
  for (const KnownAnswer& answer : kKnownAnswers) {
    const PhiloxWords words = philox4x32_10(answer.counter, answer.key);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(words.v[i], answer.expected.v[i]);
  }
}

TEST(Philox, ThresholdResolvesProbabilityTo32Bits) {
  EXPECT_EQ(probability_threshold(0.0), 0u);
  EXPECT_EQ(probability_threshold(0.5), 0x80000000u);
  EXPECT_EQ(probability_threshold(0.1), 429496730u);  // round(0.1 x 2^32)
}

TEST(Philox, NormalPairFollowsBoxMuller) {
  // word0 -> u = exp(-1/2) makes the radius 1; word1 = 0 and half give angles near 0 and pi.
  const auto word0 = static_cast<std::uint32_t>(std::exp(-0.5) * 0x1p32);
  const auto right = normal_pair(word0, 0);
  const auto left = normal_pair(word0, 0x80000000u);
  EXPECT_NEAR(right[0], 1.0, 1e-8);
  EXPECT_NEAR(left[0], -1.0, 1e-8);
  EXPECT_NEAR(right[1], 0.0, 1e-8);
}

TEST(Philox, NormalPairsHaveUnitVarianceAndNoMean) {
  double sum = 0, squares = 0;
  constexpr std::uint32_t kDraws = 100000;
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const PhiloxWords words = philox4x32_10({{i, 0, 0, 0}}, {7, stream::kInitialWeights});
    const auto pair = normal_pair(words.v[0], words.v[1]);
    sum += pair[0] + pair[1];
    squares += pair[0] * pair[0] + pair[1] * pair[1];
  }
  const double n = 2.0 * kDraws;
  // Five standard errors of the mean and of the variance of n normal values.
  EXPECT_NEAR(sum / n, 0.0, 5.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 5.0 * std::sqrt(2.0 / n));
}

TEST(Philox, IndexStreamIsUniformAndWithinBounds) {
  const PhiloxIndexStream draws({3, stream::kDataOrder}, 0);
  constexpr int kBound = 7, kDraws = 70000;
  int counts[kBound] = {};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = draws.draw(i, kBound);
    ASSERT_LT(value, std::uint64_t{kBound});
    ++counts[value];
  }
  // Chi-squared with 6 degrees of freedom: P(> 35) < 1e-5.
  double chi_squared = 0;
  for (const int count : counts)
    chi_squared += std::pow(count - 10000.0, 2) / 10000.0;
  EXPECT_LT(chi_squared, 35.0);
}

}  // namespace
}  // namespace dtbench
