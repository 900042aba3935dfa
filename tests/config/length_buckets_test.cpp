#include "config/length_buckets.h"

#include <algorithm>
#include <cmath>

#include "config/support.h"

namespace dtbench {
namespace {

using Sizes = std::vector<std::int64_t>;

RunSpec spec_of(const std::string& scenario, std::int64_t length, std::int64_t micro_batch,
                std::int64_t buckets) {
  RunSpec spec = resolve(tiny_request(scenario));
  spec.data.length = length;
  spec.train.micro_batch = micro_batch;
  spec.train.length_buckets = buckets;
  return spec;
}

TEST(LengthBuckets, ACountGoesToTheSmallestSizeThatHoldsIt) {
  const Buckets buckets(Sizes{16, 32, 50});
  EXPECT_EQ(buckets.padded(0), 16);
  EXPECT_EQ(buckets.padded(16), 16);
  EXPECT_EQ(buckets.padded(17), 32);
  EXPECT_EQ(buckets.padded(50), 50);
  EXPECT_EQ(buckets.padded(51), 51);
  EXPECT_EQ(Buckets().padded(7), 7);
}

TEST(LengthBuckets, AreOffUnlessAskedForAndWhereNothingVaries) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"}) {
    EXPECT_EQ(resolve(tiny_request(scenario)).train.length_buckets, 0);
    for (const std::int64_t count : {0, 4}) {
      const RunSpec spec = spec_of(scenario, 64, 8, count);
      const bool documents = !is_language_model(spec.objective);
      EXPECT_EQ(!length_buckets(spec).sizes().empty(), documents && count > 0) << scenario;
      EXPECT_EQ(!target_buckets(spec).sizes().empty(), scenario == std::string("B") && count > 0);
    }
  }
}

TEST(LengthBuckets, OfDocumentsAreEqualPartsOfTheLongest) {
  const auto sizes = [](std::int64_t length, std::int64_t count) {
    return length_buckets(spec_of("C", length, 8, count)).sizes();
  };
  EXPECT_EQ(sizes(512, 4), (Sizes{128, 256, 384, 512}));
  EXPECT_EQ(sizes(100, 3), (Sizes{40, 72, 100}));  // 33 1/3 and 66 2/3, up to multiples of 8
  EXPECT_EQ(sizes(512, 1), (Sizes{512}));
  EXPECT_EQ(sizes(20, 64), (Sizes{8, 16, 20}));  // more were asked for than there are
}

// By hand for 32 x 512 tokens: mean 2,457.6 (2,457 in whole targets), deviation 45.7.
TEST(LengthBuckets, OfTargetsLieAroundTheirMean) {
  const auto sizes = [](std::int64_t count) {
    return target_buckets(spec_of("B", 512, 32, count)).sizes();
  };
  EXPECT_EQ(sizes(1), (Sizes{16384}));
  EXPECT_EQ(sizes(2), (Sizes{2736, 16384}));
  EXPECT_EQ(sizes(4), (Sizes{2368, 2552, 2736, 16384}));
}

double binomial_beyond(std::int64_t most, std::int64_t trials, double share) {
  double sum = 0;
  const auto n = static_cast<double>(trials);
  for (std::int64_t count = most + 1; count <= trials; ++count) {
    const auto k = static_cast<double>(count);
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                    k * std::log(share) + (n - k) * std::log1p(-share));
  }
  return sum;
}

TEST(LengthBuckets, OfTargetsHoldEveryDraw) {
  for (const std::int64_t tokens : {1, 7, 16, 64, 512, 16384})
    for (const std::int64_t count : {1, 2, 3, 4, 8, 64}) {
      const Sizes sizes = target_buckets(spec_of("B", tokens, 1, count)).sizes();
      EXPECT_LE(sizes.size(), static_cast<std::size_t>(count));
      EXPECT_TRUE(std::is_sorted(sizes.begin(), sizes.end()));
      EXPECT_EQ(sizes.back(), tokens);
    }
}

// So 1,000 steps meet the last size with a probability below 0.1 %. Few tokens have one size.
TEST(LengthBuckets, HardlyAnyMicroBatchNeedsTheLastSizeOfTargets) {
  EXPECT_EQ(target_buckets(spec_of("B", 16, 1, 2)).sizes(), (Sizes{16}));
  for (const std::int64_t tokens : {64, 128, 512, 1024, 16384}) {
    const Sizes sizes = target_buckets(spec_of("B", tokens, 1, 2)).sizes();
    ASSERT_EQ(sizes.size(), 2U);
    EXPECT_LT(binomial_beyond(sizes.front(), tokens, 0.15), 1e-6) << tokens;
  }
}

TEST(LengthBuckets, PadTheTargetsOfNoChainOfTransformers) {
  RunSpec spec = resolve(tiny_request("B"));
  spec.policy.loss = LossRule::kTransformers;
  validate(spec);
  spec.train.length_buckets = 4;
  const std::string message = usage_message([&] { validate(spec); });
  EXPECT_TRUE(says(message, "'train.length_buckets' = 4 pads the targets"));
  EXPECT_TRUE(says(message, "loss = \"transformers\""));
  RunSpec documents = resolve(tiny_request("D"));
  documents.policy.loss = LossRule::kTransformers;
  documents.train.length_buckets = 4;
  validate(documents);
}

}  // namespace
}  // namespace dtbench
