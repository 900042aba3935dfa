#include "engine/train/batches.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.h"
#include "engine/small_model.h"
#include "engine/train/masking.h"
#include "engine/train/prefetched_batches.h"
#include "temporary_folder.h"

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
  const SmallModel small(at::kFloat, 5);
  const at::Tensor pooled = small.model.pooled_index(batch.content);
  for (std::int64_t s = 0; s < 4; ++s) {
    const auto labels = store.labels(Split::kValidation, s);
    EXPECT_EQ(batch.content.targets[s].item<std::int64_t>(),
              *std::min_element(labels.begin(), labels.end()));
    const auto tokens = static_cast<std::int64_t>(store.document(Split::kValidation, s).size());
    EXPECT_EQ(batch.content.attention_mask[s].sum().item<std::int64_t>(),
              std::min(tokens, spec.data.length));
    EXPECT_EQ(pooled[s].item<std::int64_t>(), std::min(tokens, spec.data.length) - 1);
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

// Sizes and contents of all parts of a batch.
void expect_equal(const GlobalBatch& a, const GlobalBatch& b) {
  EXPECT_EQ(a.targets, b.targets);
  EXPECT_EQ(a.real_tokens, b.real_tokens);
  EXPECT_TRUE(at::equal(a.content.input_ids, b.content.input_ids));
  EXPECT_TRUE(at::equal(a.content.targets, b.content.targets));
  ASSERT_EQ(a.content.target_index.defined(), b.content.target_index.defined());
  if (a.content.target_index.defined()) {
    EXPECT_TRUE(at::equal(a.content.target_index, b.content.target_index));
  }
}

TEST(Batches, MaskedBatchesFollowTheMasks) {
  const RunSpec spec = tiny_spec("B");
  const TokenStore store(tiny_store(spec));
  BatchSource source(store, spec);
  DataOrder order(static_cast<std::uint32_t>(spec.seed), source.examples(Split::kTrain));
  constexpr std::int64_t kStep = 4;
  const GlobalBatch batch = source.training_batch(kStep);
  const TokenMasking masking(static_cast<std::uint32_t>(spec.seed), store.meta());
  const std::int64_t length = spec.data.length;
  EXPECT_FALSE(batch.content.attention_mask.defined());
  EXPECT_EQ(batch.real_tokens, spec.train.batch * length);
  std::vector<std::int64_t> ids, index, targets;
  for (std::int64_t i = 0; i < spec.train.batch; ++i) {
    const auto block =
        store.tokens(Split::kTrain)
            .subspan(static_cast<std::size_t>(order.example(kStep * spec.train.batch + i) * length),
                     static_cast<std::size_t>(length));
    std::vector<std::int64_t> sample(block.begin(), block.end());
    for (const MaskedToken& token : masking.apply(MaskingSample::training(kStep, i), sample)) {
      index.push_back(i * length + token.position);
      targets.push_back(token.original);
    }
    ids.insert(ids.end(), sample.begin(), sample.end());
  }
  EXPECT_EQ(batch.targets, static_cast<std::int64_t>(targets.size()));
  EXPECT_TRUE(at::equal(batch.content.input_ids.view({-1}), at::tensor(ids)));
  EXPECT_TRUE(at::equal(batch.content.target_index, at::tensor(index)));
  EXPECT_TRUE(at::equal(batch.content.targets, at::tensor(targets)));
}

TEST(Batches, MaskedSlicesAreTheSameForEveryMicroBatch) {
  const RunSpec spec = tiny_spec("B");
  const TokenStore store(tiny_store(spec));
  const GlobalBatch batch = BatchSource(store, spec).training_batch(0);
  for (const std::int64_t micro : {1, 2, 4, 8}) {
    std::vector<at::Tensor> ids, targets, positions;
    for (std::int64_t first = 0; first < batch.samples; first += micro) {
      const MicroBatch part = slice(batch, first, micro, at::kCPU);
      ids.push_back(part.input_ids);
      targets.push_back(part.targets);
      positions.push_back(part.target_index + first * batch.length);
    }
    EXPECT_TRUE(at::equal(at::cat(ids), batch.content.input_ids));
    EXPECT_TRUE(at::equal(at::cat(targets), batch.content.targets));
    EXPECT_TRUE(at::equal(at::cat(positions), batch.content.target_index));
  }
}

TEST(Batches, DependOnScenarioSeedAndStepAlone) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"}) {
    RunSpec spec = tiny_spec(scenario);
    const TokenStore store(tiny_store(spec));
    const GlobalBatch batch = BatchSource(store, spec).training_batch(7);
    RunSpec other = spec;
    other.train.micro_batch = 2;
    other.policy.name = "bf16_pure";
    other.policy.parameters = other.policy.compute = Dtype::kBFloat16;
    BatchSource source(store, other);
    source.training_batch(9);
    expect_equal(source.training_batch(7), batch);

    EXPECT_FALSE(at::equal(source.training_batch(8).content.input_ids, batch.content.input_ids));
    other.seed = 1;
    EXPECT_FALSE(at::equal(BatchSource(store, other).training_batch(7).content.input_ids,
                           batch.content.input_ids));
  }
}

TEST(Batches, ValidationMasksAreTheExamples) {
  const RunSpec spec = tiny_spec("B");
  const TokenStore store(tiny_store(spec));
  BatchSource source(store, spec);
  const GlobalBatch batch = source.validation_batch(0, 8);
  source.training_batch(0);
  expect_equal(source.validation_batch(0, 8), batch);
  const GlobalBatch part = source.validation_batch(3, 2);
  const MicroBatch same = slice(batch, 3, 2, at::kCPU);
  EXPECT_TRUE(at::equal(part.content.input_ids, same.input_ids));
  EXPECT_TRUE(at::equal(part.content.targets, same.targets));
  EXPECT_TRUE(at::equal(part.content.target_index, same.target_index));
}

TEST(PrefetchedBatches, AreTheSourcesInAnyOrder) {
  for (const char* scenario : {"B", "D"}) {
    const RunSpec spec = tiny_spec(scenario);
    const TokenStore store(tiny_store(spec));
    BatchSource source(store, spec), same(store, spec);
    PrefetchedBatches batches(source, 6, at::kCPU);
    for (const std::int64_t step : {0, 1, 2, 5, 3, 4, 4, 0})
      expect_equal(batches.take(step), same.training_batch(step));
  }
}

TEST(PrefetchedBatches, AnErrorComesOutAtItsOwnStep) {
  RunSpec spec = tiny_spec("B");
  spec.data.length = 2;
  spec.train.batch = spec.train.micro_batch = 1;
  const TokenStore store(tiny_store(spec));
  BatchSource source(store, spec), same(store, spec);
  const auto fails = [](const std::function<void()>& call) {
    try {
      call();
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  PrefetchedBatches batches(source, 20, at::kCPU);
  int failures = 0;
  for (std::int64_t step = 0; step < 20; ++step) {
    const bool expected = fails([&] { same.training_batch(step); });
    EXPECT_EQ(fails([&] { batches.take(step); }), expected) << step;
    failures += expected;
  }
  EXPECT_GT(failures, 0);
}

TEST(Batches, AStepWithoutMaskedTargetsIsRefused) {
  RunSpec spec = tiny_spec("B");
  spec.data.length = 2;
  spec.train.batch = spec.train.micro_batch = 1;
  const TokenStore store(tiny_store(spec));
  BatchSource source(store, spec);
  // 20 steps all with a target have a probability below 1e-11.
  expect_error(
      [&] {
        for (std::int64_t step = 0; step < 20; ++step)
          source.training_batch(step);
      },
      ExitCode::kUsage, {"without a token to predict", "--length", "--batch"});
}

TEST(Batches, LabelVectorsAreTheDocumentsLabels) {
  for (const char* scenario : {"C", "D"}) {
    RunSpec spec = tiny_spec(scenario);
    const TokenStore store(tiny_store(spec));
    const GlobalBatch batch = BatchSource(store, spec).validation_batch(2, 4);
    EXPECT_EQ(batch.content.targets.sizes(), (std::vector<std::int64_t>{4, 32}));
    EXPECT_EQ(batch.content.targets.scalar_type(), at::kFloat);
    EXPECT_EQ(batch.targets, 4 * 32);
    for (std::int64_t s = 0; s < 4; ++s) {
      std::vector<float> expected(32);
      for (const std::int32_t label : store.labels(Split::kValidation, 2 + s))
        expected[static_cast<std::size_t>(label)] = 1;
      EXPECT_TRUE(at::equal(batch.content.targets[s], at::tensor(expected)));
    }
    EXPECT_TRUE(
        at::equal(slice(batch, 1, 2, at::kCPU).targets, batch.content.targets.narrow(0, 1, 2)));
    spec.train.bce_reduction = BceReduction::kSumLabels;
    EXPECT_EQ(BatchSource(store, spec).validation_batch(2, 4).targets, 4);
  }
}

TEST(Batches, OneStoreServesBothLabelViewsOfAnArchitecture) {
  EXPECT_EQ(tiny_store(tiny_spec("C")), tiny_store(tiny_spec("E")));
  EXPECT_EQ(tiny_store(tiny_spec("D")), tiny_store(tiny_spec("F")));
  EXPECT_NE(tiny_store(tiny_spec("E")), tiny_store(tiny_spec("F")));
}

// <s> 0, <pad> 1 and </s> 2 of the shipped tokenizer.
TEST(Batches, RobertaDocumentsStandBetweenTheirMarks) {
  RunSpec spec = tiny_spec("F");
  const TemporaryFolder folder;
  spec.data.source = folder.write(
      "acts.jsonl",
      "{\"text\": \"milk\", \"labels\": [1], \"split\": \"train\"}\n"
      "{\"text\": \"milk\", \"labels\": [1], \"split\": \"validation\"}\n"
      "{\"text\": \"butter and milk, butter\", \"labels\": [2], \"split\": \"validation\"}\n");
  const TokenStore store(tiny_store(spec));
  const GlobalBatch batch = BatchSource(store, spec).validation_batch(0, 2);
  const auto shorter = static_cast<std::int64_t>(store.document(Split::kValidation, 0).size());
  ASSERT_LT(shorter, batch.length);
  const auto id = [&](std::int64_t sample, std::int64_t token) {
    return batch.content.input_ids[sample][token].item<std::int64_t>();
  };
  EXPECT_EQ(id(0, 0), 0);
  EXPECT_EQ(id(0, shorter - 1), 2);
  EXPECT_EQ(id(1, 0), 0);
  EXPECT_EQ(id(1, batch.length - 1), 2);
  for (std::int64_t t = shorter; t < batch.length; ++t)
    EXPECT_EQ(id(0, t), 1);
  EXPECT_EQ(batch.content.attention_mask[0].sum().item<std::int64_t>(), shorter);
  EXPECT_EQ(batch.real_tokens, shorter + batch.length);
  EXPECT_EQ(batch.sum_squared_lengths,
            static_cast<double>(shorter * shorter + batch.length * batch.length));
}

TEST(Batches, AnotherSpecsStoreIsRefused) {
  const RunSpec gpt2 = tiny_spec("E");
  const TokenStore store(tiny_store(gpt2));
  expect_error([&] { BatchSource(store, tiny_spec("F")); }, ExitCode::kUsage,
               {"special tokens of gpt2", "roberta", "data prepare"});
  RunSpec shorter = gpt2;
  shorter.data.length = 8;
  expect_error([&] { BatchSource(store, shorter); }, ExitCode::kUsage,
               {"longer length", "at most 8"});
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
