// k micro-batches equal one large batch, for ragged numbers of targets.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

constexpr std::int64_t kSamples = 8, kLength = 20;
// The contract's: exact but for the order of fp64 additions.
constexpr double kTolerance = 1e-12;

TEST(Accumulation, MicroBatchesEqualOneLargeBatch) {
  SmallModel small(at::kDouble, 0);
  const GlobalBatch batch = ragged_lm_batch(kSamples, kLength);
  const Accumulated whole = accumulate(small, batch, kSamples);
  for (const std::int64_t k : {2, 4, 8}) {
    const Accumulated split = accumulate(small, batch, kSamples / k);
    EXPECT_NEAR(split.loss, whole.loss, kTolerance * whole.loss) << "k = " << k;
    EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance) << "k = " << k;
  }
}

TEST(Accumulation, HoldsWithDropout) {
  SmallModel small(at::kDouble, 0);
  const GlobalBatch batch = ragged_lm_batch(kSamples, kLength);
  const DropoutContext dropout{0.1, 5, 3, 0};
  const Accumulated whole = accumulate(small, batch, kSamples, dropout);
  EXPECT_GT(relative_difference(whole.gradients, accumulate(small, batch, kSamples).gradients),
            1e-3)
      << "dropout has no effect, so this test shows nothing";
  for (const std::int64_t k : {2, 4, 8}) {
    const Accumulated split = accumulate(small, batch, kSamples / k, dropout);
    EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance) << "k = " << k;
  }
}

// Documents of different lengths: the number of targets is theirs, the attention mask ragged.
TEST(Accumulation, HoldsForClassificationOfRaggedDocuments) {
  SmallModel small(at::kDouble, 5);
  GlobalBatch batch = ragged_lm_batch(kSamples, kLength);
  batch.content.target_index.reset();
  batch.content.attention_mask = at::zeros({kSamples, kLength}, at::kBool);
  for (std::int64_t s = 0; s < kSamples; ++s)
    batch.content.attention_mask[s].narrow(0, 0, 1 + (7 * s) % kLength).fill_(true);
  batch.content.targets = at::arange(kSamples, at::kLong).remainder(5);
  batch.targets = kSamples;
  const DropoutContext dropout{0.1, 5, 3, 0};
  const Accumulated whole = accumulate(small, batch, kSamples, dropout);
  for (const std::int64_t k : {2, 4, 8}) {
    const Accumulated split = accumulate(small, batch, kSamples / k, dropout);
    EXPECT_NEAR(split.loss, whole.loss, kTolerance * whole.loss) << "k = " << k;
    EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance) << "k = " << k;
  }
}

// Negative control: the common mistake, each micro-batch divided by its own number of targets.
TEST(Accumulation, TheMeanOfMeansDiffers) {
  SmallModel small(at::kDouble, 0);
  const GlobalBatch batch = ragged_lm_batch(kSamples, kLength);
  const double whole = accumulate(small, batch, kSamples).loss;
  double mean_of_means = 0;
  for (std::int64_t first = 0; first < kSamples; ++first) {
    const MicroBatch micro = slice(batch, first, 1, at::kCPU);
    mean_of_means +=
        small.model
            .loss(micro, {small.rules, {}}, {static_cast<double>(micro.targets.numel()), 1.0})
            .item<double>() /
        kSamples;
  }
  EXPECT_GT(std::abs(mean_of_means - whole) / whole, 1e-3);
}

TEST(Accumulation, AMicroBatchWithoutTargetsContributesNothing) {
  SmallModel small(at::kDouble, 0);
  GlobalBatch batch = ragged_lm_batch(2, kLength);
  // Only sample 0 keeps its targets.
  const std::int64_t kept = slice(batch, 0, 1, at::kCPU).targets.numel();
  batch.content.target_index = batch.content.target_index.narrow(0, 0, kept);
  batch.content.targets = batch.content.targets.narrow(0, 0, kept);
  batch.targets = kept;
  const Accumulated whole = accumulate(small, batch, 2), split = accumulate(small, batch, 1);
  EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance);
}

}  // namespace
}  // namespace dtbench::testing
