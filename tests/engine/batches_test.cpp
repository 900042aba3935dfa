#include "engine/train/batches.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

TEST(DataOrder, EachEpochIsADifferentPermutation) {
  constexpr std::int64_t kExamples = 50;
  DataOrder order(3, kExamples);
  std::vector<std::int64_t> first, second;
  for (std::int64_t i = 0; i < kExamples; ++i)
    first.push_back(order.example(i));
  for (std::int64_t i = 0; i < kExamples; ++i)
    second.push_back(order.example(kExamples + i));
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), kExamples);
  EXPECT_EQ(std::set(second.begin(), second.end()).size(), kExamples);
  EXPECT_NE(first, second);
}

TEST(DataOrder, DependsOnSeedAndPositionAlone) {
  DataOrder forwards(3, 20), backwards(3, 20), other(4, 20);
  std::vector<std::int64_t> a, b, c;
  for (std::int64_t i = 0; i < 60; ++i)
    a.push_back(forwards.example(i));
  for (std::int64_t i = 59; i >= 0; --i)
    b.push_back(backwards.example(i));
  for (std::int64_t i = 0; i < 60; ++i)
    c.push_back(other.example(i));
  std::reverse(b.begin(), b.end());
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(Batches, ACausalBlockPredictsItsNextTokens) {
  const RunSpec spec = tiny_spec("A");
  const TokenStore store(tiny_store(spec));
  const BatchSource source(store, spec);
  const GlobalBatch batch = source.validation_batch(1, 2);
  const std::int64_t length = spec.data.length;
  EXPECT_EQ(batch.targets, 2 * (length - 1));
  const auto stream = store.tokens(Split::kValidation);
  for (std::int64_t t = 0; t < length; ++t)
    EXPECT_EQ(batch.content.input_ids[0][t].item<std::int64_t>(),
              stream[static_cast<std::size_t>(length + t)]);
  for (std::int64_t i = 0; i < batch.targets; ++i) {
    const std::int64_t at = batch.content.target_index[i].item<std::int64_t>();
    EXPECT_EQ(batch.content.targets[i].item<std::int64_t>(),
              batch.content.input_ids.view({-1})[at + 1].item<std::int64_t>());
  }
}

TEST(Batches, ADocumentIsPaddedOnTheRightAndItsTargetIsItsMostFrequentLabel) {
  RunSpec spec = tiny_spec("E");
  const TokenStore store(tiny_store(spec));
  const BatchSource source(store, spec);
  const GlobalBatch batch = source.validation_batch(0, 4);
  EXPECT_EQ(batch.targets, 4);
  for (std::int64_t s = 0; s < 4; ++s) {
    const auto labels = store.labels(Split::kValidation, s);
    EXPECT_EQ(batch.content.targets[s].item<std::int64_t>(),
              *std::min_element(labels.begin(), labels.end()));
    const auto tokens = static_cast<std::int64_t>(store.document(Split::kValidation, s).size());
    EXPECT_EQ(batch.content.attention_mask[s].sum().item<std::int64_t>(),
              std::min(tokens, spec.data.length));
    EXPECT_EQ(Model::pooled_index(batch.content)[s].item<std::int64_t>(),
              std::min(tokens, spec.data.length) - 1);
  }
}

TEST(Batches, SlicesPartitionTheTargets) {
  const GlobalBatch batch = ragged_lm_batch(8, 20);
  std::vector<at::Tensor> targets, positions;
  for (std::int64_t first = 0; first < 8; first += 2) {
    const MicroBatch micro = slice(batch, first, 2, at::kCPU);
    targets.push_back(micro.targets);
    positions.push_back(micro.target_index + first * 20);
  }
  EXPECT_TRUE(at::equal(at::cat(targets), batch.content.targets));
  EXPECT_TRUE(at::equal(at::cat(positions), batch.content.target_index));
}

TEST(Batches, ASplitTooSmallForOneBlockIsRefused) {
  RunSpec spec = tiny_spec("A");
  const TokenStore store(tiny_store(spec));
  spec.data.length = 1 << 30;
  try {
    const BatchSource source(store, spec);
    FAIL() << "a split without a single block was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_NE(std::string(error.what()).find("--length"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dtbench::testing
