#include "engine/train/masking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/philox.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int64_t kVocab = 50, kMask = 49;
constexpr std::array<std::int64_t, 5> kSpecial = {0, 1, 2, 3, kMask};

StoreMeta meta() {
  StoreMeta meta;
  meta.vocab_size = kVocab;
  meta.mask_token_id = kMask;
  meta.special_token_ids.assign(kSpecial.begin(), kSpecial.end());
  return meta;
}

bool is_special(std::int64_t id) {
  return std::find(kSpecial.begin(), kSpecial.end(), id) != kSpecial.end();
}

// Every token of the vocabulary in turn.
Ids every_token(std::size_t size) {
  Ids ids(size);
  for (std::size_t t = 0; t < size; ++t)
    ids[t] = static_cast<std::int64_t>(t) % kVocab;
  return ids;
}

struct Masked {
  Ids ids;
  std::vector<std::pair<std::int64_t, std::int64_t>> targets;
  bool operator==(const Masked&) const = default;
};

Masked mask(Ids ids, const MaskingSample& sample, std::uint32_t seed = 1) {
  Masked result{std::move(ids), {}};
  for (const MaskedToken& token : TokenMasking(seed, meta()).apply(sample, result.ids))
    result.targets.emplace_back(token.position, token.original);
  return result;
}

// Whether `count` of `trials` is within 5 standard errors of a probability.
bool agrees(std::size_t count, std::size_t trials, double probability) {
  const double expected = static_cast<double>(trials) * probability;
  return std::abs(static_cast<double>(count) - expected) <=
         5 * std::sqrt(expected * (1 - probability));
}

TEST(Masking, SharesAreBertsAndRandomIdsAreUniform) {
  constexpr std::size_t kTokens = 1 << 20;
  constexpr std::int64_t kOriginal = 7;
  const Masked masked = mask(Ids(kTokens, kOriginal), MaskingSample::training(3, 5));
  const std::size_t selected = masked.targets.size();
  EXPECT_TRUE(agrees(selected, kTokens, 0.15)) << selected;
  std::vector<std::size_t> became(kVocab);
  for (const auto& [position, original] : masked.targets) {
    EXPECT_EQ(original, kOriginal);
    ++became[static_cast<std::size_t>(masked.ids[static_cast<std::size_t>(position)])];
  }
  // Each id is the random one once in 500 times; <mask> and the token itself besides.
  for (std::int64_t id = 0; id < kVocab; ++id) {
    const double beside = id == kMask ? 0.8 : id == kOriginal ? 0.1 : 0;
    EXPECT_TRUE(agrees(became[static_cast<std::size_t>(id)], selected, beside + 0.1 / kVocab))
        << id << ": " << became[static_cast<std::size_t>(id)];
  }
  // Shares a little off would show.
  EXPECT_FALSE(agrees(selected, kTokens, 0.153));
  EXPECT_FALSE(agrees(became[kMask], selected, 0.81));
  EXPECT_FALSE(agrees(became[kOriginal], selected, 0.11));
}

TEST(Masking, SpecialTokensStayAndAreNoTargets) {
  const Ids ids = every_token(20'000);
  const Masked masked = mask(ids, MaskingSample::training(0, 0));
  std::vector<bool> is_target(ids.size());
  std::int64_t before = -1;
  for (const auto& [position, original] : masked.targets) {
    const auto at = static_cast<std::size_t>(position);
    EXPECT_LT(before, position);
    EXPECT_EQ(original, ids[at]);
    EXPECT_FALSE(is_special(original));
    is_target[at] = true;
    before = position;
  }
  for (std::size_t t = 0; t < ids.size(); ++t)
    EXPECT_TRUE(is_target[t] || masked.ids[t] == ids[t]) << t;
}

// docs/adr/0003: a change of counters or thresholds changes results.
TEST(Masking, FollowsTheDocumentedCounters) {
  constexpr std::uint32_t kSeed = 4'000'000'000, kStep = 17, kPosition = 3;
  const Ids ids = every_token(5'000);
  const Masked masked = mask(ids, MaskingSample::training(kStep, kPosition), kSeed);
  Masked expected{ids, {}};
  for (std::uint32_t t = 0; t < ids.size(); ++t) {
    const PhiloxWords words = philox4x32_10({{kStep, kPosition, t, 0}}, {kSeed, 3});
    if (is_special(ids[t]) || words.v[0] >= 644'245'094) continue;  // 0.15 x 2^32
    expected.targets.emplace_back(t, ids[t]);
    const double random = words.v[2] * 0x1p-32 + words.v[3] * 0x1p-64;
    if (words.v[1] < 3'435'973'837)  // 0.8 x 2^32
      expected.ids[t] = kMask;
    else if (words.v[1] < 3'865'470'566)  // 0.9 x 2^32
      expected.ids[t] = static_cast<std::int64_t>(random * kVocab);
  }
  EXPECT_EQ(masked, expected);
}

TEST(Masking, ATokensFateDoesNotDependOnThoseAfterIt) {
  const Ids ids = every_token(512);
  const Masked whole = mask(ids, MaskingSample::training(2, 1));
  const Masked part = mask(Ids(ids.begin(), ids.begin() + 200), MaskingSample::training(2, 1));
  EXPECT_TRUE(std::equal(part.ids.begin(), part.ids.end(), whole.ids.begin()));
  EXPECT_TRUE(std::equal(part.targets.begin(), part.targets.end(), whole.targets.begin()));
}

TEST(Masking, EachStepSampleSeedAndValidationExampleHasMasksOfItsOwn) {
  const Ids ids = every_token(512);
  const std::vector<Masked> different = {
      mask(ids, MaskingSample::training(2, 1)),   mask(ids, MaskingSample::training(3, 1)),
      mask(ids, MaskingSample::training(2, 0)),   mask(ids, MaskingSample::training(2, 1), 2),
      mask(ids, MaskingSample::validation(1)),    mask(ids, MaskingSample::validation(2)),
      mask(ids, MaskingSample::validation(1), 2),
  };
  for (std::size_t a = 0; a < different.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      EXPECT_NE(different[a], different[b]) << a << " and " << b;
  EXPECT_EQ(different[0], mask(ids, MaskingSample::training(2, 1)));
  EXPECT_EQ(different[4], mask(ids, MaskingSample::validation(1)));
}

TEST(Masking, AStoreWithoutAMaskTokenIsRefused) {
  StoreMeta gpt2 = meta();
  gpt2.name = "acts.jsonl";
  gpt2.token_scheme = "gpt2";
  gpt2.mask_token_id.reset();
  expect_error([&] { TokenMasking(1, gpt2); }, ExitCode::kUsage, {"acts.jsonl", "gpt2", "RoBERTa"});
}

}  // namespace
}  // namespace dtbench
