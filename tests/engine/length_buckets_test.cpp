// Buckets change the shapes of a run's steps and no result beyond the order of its sums.
#include "config/length_buckets.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "base/text.h"
#include "engine/cuda_device.h"
#include "engine/numerics/ignored_target.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/cross_entropy.h"
#include "engine/small_model.h"
#include "engine/train/trainer.h"
#include "temporary_folder.h"

namespace dtbench::testing {
namespace {

constexpr DropoutContext kDropout{0.1, 5, 3, 0};
constexpr std::int64_t kBatch = 4;

// Documents of 1 to 29 letters, each one or two tokens: data.length, 64, cuts none.
const std::string& documents() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    std::string lines;
    for (int d = 0; d < 240; ++d) {
      std::string text;
      for (int letter = 0; letter <= (d * 37) % 29; ++letter)
        text += {' ', static_cast<char>('a' + letter * d % 26)};
      lines += "{\"text\": \"" + text + "\", \"labels\": [" + std::to_string(d % 3) +
               (d % 2 == 0 ? ", 7" : "") + "], \"split\": \"" +
               (d % 6 == 5 ? "validation" : "train") + "\"}\n";
    }
    return std::string(folder.write("acts.jsonl", lines));
  }();
  return path;
}

RunSpec spec_of(const std::string& scenario, std::int64_t micro_batch, std::int64_t buckets) {
  RunSpec spec = tiny_spec(scenario);
  if (!is_language_model(spec.objective)) spec.data.source = documents();
  spec.train.batch = kBatch;
  spec.train.micro_batch = micro_batch;
  spec.train.length_buckets = buckets;
  return spec;
}

class LengthBucketsOf : public ::testing::TestWithParam<const char*> {
 protected:
  RunSpec spec(std::int64_t micro_batch, std::int64_t buckets) const {
    return spec_of(GetParam(), micro_batch, buckets);
  }
  bool is(const char* scenario) const { return GetParam() == std::string(scenario); }
};

INSTANTIATE_TEST_SUITE_P(Scenarios, LengthBucketsOf,
                         ::testing::Values("A", "B", "C", "D", "E", "F"),
                         [](const auto& scenario) { return std::string(scenario.param); });

bool has_padding(const GlobalBatch& bucketed, const GlobalBatch& plain, std::int64_t micro_batch) {
  if (bucketed.length > plain.length) return true;
  return bucketed.target_buckets.padded(1) > 1 &&
         slice(bucketed, 0, micro_batch, at::kCPU).targets.numel() >
             slice(plain, 0, micro_batch, at::kCPU).targets.numel();
}

struct Batches {
  GlobalBatch plain, bucketed;
};

// The first step whose batch the buckets change; where they change none, as in A, the first.
Batches batches_of(const RunSpec& bucketed, const TokenStore& store) {
  RunSpec plain = bucketed;
  plain.train.length_buckets = 0;
  BatchSource with(store, bucketed), without(store, plain);
  for (std::int64_t step = 0; step < 20; ++step) {
    Batches both{without.training_batch(step), with.training_batch(step)};
    if (has_padding(both.bucketed, both.plain, bucketed.train.micro_batch)) return both;
  }
  return {without.training_batch(0), with.training_batch(0)};
}

SmallModel model_of(const RunSpec& spec, const TokenStore& store, Dtype type) {
  DtypePolicy policy;
  policy.parameters = policy.compute = policy.gradients = type;
  return {model_shape(spec, store.meta().vocab_size,
                      static_cast<std::int64_t>(store.meta().labels.size())),
          policy};
}

// What padding adds to a sum is exactly 0, so it can change no more than the order of the sum, on
// either side by reduction_tolerance of its length, at most the vocabulary's 2,048. In a row stand,
// in each of two layers, two norms and the products q k v, scores, output, projection and the
// MLP's two, and the softmax: nine; with embedding, final norm, head's dense layer, logits and loss
// 23. The backward pass has as many.
double tolerance(Dtype type) {
  constexpr double kSumsInARow = 2 * 23, kLongestSum = 2048;
  return 2 * kSumsInARow * reduction_tolerance(type, type, kLongestSum);
}

TEST_P(LengthBucketsOf, LossAndGradientsAreThoseWithoutThem) {
  for (const std::int64_t micro_batch : {kBatch, std::int64_t{1}}) {
    const RunSpec spec = this->spec(micro_batch, 3);
    const TokenStore store(tiny_store(spec));
    const auto [plain, bucketed] = batches_of(spec, store);
    EXPECT_EQ(has_padding(bucketed, plain, micro_batch), !is("A"));
    EXPECT_EQ(bucketed.targets, plain.targets);
    for (const Dtype type : {Dtype::kFloat64, Dtype::kFloat32}) {
      SmallModel small = model_of(spec, store, type);
      const Accumulated wanted = accumulate(small, plain, micro_batch, kDropout, 16);
      const Accumulated found = accumulate(small, bucketed, micro_batch, kDropout, 16);
      const double apart = relative_difference(found.gradients, wanted.gradients);
      RecordProperty(concat(to_string(type), "_micro_batch_", micro_batch), concat(apart));
      EXPECT_NEAR(found.loss, wanted.loss, tolerance(type) * wanted.loss);
      EXPECT_LE(apart, tolerance(type)) << to_string(type) << ", micro-batch " << micro_batch;
      if (is("A")) {
        EXPECT_EQ(apart, 0);
      }
    }
  }
}

// The scenarios that pad: all but A.
class PaddingOf : public LengthBucketsOf {};

INSTANTIATE_TEST_SUITE_P(Scenarios, PaddingOf, ::testing::Values("B", "C", "D", "E", "F"),
                         [](const auto& scenario) { return std::string(scenario.param); });

// Negative control: padding that is taken for text, or for targets.
TEST_P(PaddingOf, ShowsWhereItIsNotMasked) {
  const RunSpec spec = this->spec(kBatch, 3);
  const TokenStore store(tiny_store(spec));
  auto [plain, bucketed] = batches_of(spec, store);
  SmallModel small = model_of(spec, store, Dtype::kFloat64);
  const Accumulated wanted = accumulate(small, plain, kBatch);
  if (is("B")) {
    bucketed.content = slice(bucketed, 0, kBatch, at::kCPU);
    ASSERT_TRUE(bucketed.content.targets.eq(kIgnoredTarget).any().item<bool>());
    bucketed.content.targets.masked_fill_(bucketed.content.targets.eq(kIgnoredTarget), 0);
    bucketed.target_buckets = {};
  } else {
    // Only what the buckets added: the samples' own padding stays masked.
    bucketed.content.attention_mask.narrow(1, plain.length, bucketed.length - plain.length)
        .fill_(true);
  }
  const Accumulated found = accumulate(small, bucketed, kBatch);
  EXPECT_GT(relative_difference(found.gradients, wanted.gradients), 1e-3);
}

// Shapes of what a model is given in 60 steps and an evaluation of whole micro-batches.
std::set<std::pair<std::int64_t, std::int64_t>> shapes(const RunSpec& spec,
                                                       const TokenStore& store) {
  BatchSource source(store, spec);
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  const auto see = [&](const GlobalBatch& batch) {
    for (std::int64_t first = 0; first < batch.samples; first += spec.train.micro_batch) {
      const MicroBatch micro = slice(batch, first, spec.train.micro_batch, at::kCPU);
      const bool documents = !micro.target_index.defined();
      seen.insert({micro.input_ids.size(1), documents ? 0 : micro.target_index.numel()});
      EXPECT_EQ(micro.targets.size(0),
                documents ? spec.train.micro_batch : micro.target_index.numel());
    }
  };
  for (std::int64_t step = 0; step < 60; ++step)
    see(source.training_batch(step));
  for (std::int64_t first = 0; first + spec.train.micro_batch <= 16;
       first += spec.train.micro_batch)
    see(source.validation_batch(first, spec.train.micro_batch));
  return seen;
}

TEST_P(LengthBucketsOf, AreTheOnlyShapesOfARun) {
  const TokenStore store(tiny_store(spec(2, 0)));
  for (const std::int64_t count : {1, 2, 4})
    EXPECT_LE(shapes(spec(2, count), store).size(), static_cast<std::size_t>(count));
  // Negative control: without them there are more, but in A.
  const std::size_t without = shapes(spec(2, 0), store).size();
  if (is("A"))
    EXPECT_EQ(without, 1U);
  else
    EXPECT_GT(without, 4U);
}

// What the contract counts: real tokens and targets as they are, tokens and palm with the padding.
TEST_P(LengthBucketsOf, CountTheirPaddingWhereTheContractCountsPadding) {
  const RunSpec one = spec(kBatch, 1), off = spec(kBatch, 0);
  const TokenStore store(tiny_store(off));
  Trainer bucketed(one, store, at::kCPU), plain(off, store, at::kCPU);
  for (std::int64_t step = 0; step < 3; ++step) {
    const Trainer::Gradients with = bucketed.compute_gradients(step);
    const Trainer::Gradients without = plain.compute_gradients(step);
    EXPECT_EQ(with.event.real_tokens, without.event.real_tokens);
    EXPECT_EQ(with.event.flops_needed, without.event.flops_needed);
    EXPECT_EQ(with.event.tokens, kBatch * one.data.length);
    const ModelShape& shape = bucketed.shape();
    const double per_token = 6.0 * static_cast<double>(parameter_count(shape)) +
                             12.0 * static_cast<double>(shape.layers * shape.width * 64);
    EXPECT_EQ(with.event.flops_palm, per_token * static_cast<double>(with.event.tokens));
    EXPECT_NEAR(with.event.loss, without.event.loss,
                tolerance(Dtype::kFloat32) * without.event.loss);
  }
}

TEST_F(Cuda, AnIgnoredRowHasNoLossAndNoGradient) {
  at::manual_seed(4);
  const at::Tensor logits = at::randn({6, 700}, at::kFloat);
  const at::Tensor targets = at::tensor({5, 699, -100, 0, -100, 31}, at::kLong);
  const LossAndGradient wanted =
      ops::cross_entropy_with_gradient(logits.clone(), targets, {4.0, 8.0}, true);
  const LossAndGradient found =
      ops::cross_entropy_with_gradient(logits.to(device_), targets.to(device_), {4.0, 8.0}, true);
  const double bound = 4 * reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, 700);
  EXPECT_NEAR(found.loss_sum.item<double>(), wanted.loss_sum.item<double>(),
              bound * wanted.loss_sum.item<double>());
  EXPECT_LE((found.gradient.cpu() - wanted.gradient).abs().max().item<double>(), 2 * bound);
  for (const std::int64_t row : {2, 4})
    EXPECT_EQ(found.gradient[row].abs().max().item<float>(), 0.0F);
}

}  // namespace
}  // namespace dtbench::testing
