#include "engine/train/constant_predictor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/numerics/scalar_type.h"
#include "engine/small_model.h"
#include "source_folder.h"
#include "temporary_folder.h"

namespace dtbench::testing {
namespace {

using Values = std::vector<std::int64_t>;

// golden/multi_label_metrics.py wrote it with scikit-learn.
Json golden_metrics() {
  return read_json_file(source_folder() / "tests/engine/golden/multi_label_metrics.json");
}

void expect_near(const std::optional<double>& found, const Json& expected, const char* name,
                 std::size_t terms) {
  ASSERT_TRUE(found) << name;
  EXPECT_NEAR(*found, expected.at(name).get<double>(),
              reduction_tolerance(Dtype::kFloat64, Dtype::kFloat64, static_cast<double>(terms)))
      << expected.at("name") << ", " << name;
}

TEST(ConstantPredictor, MultiLabelAnswersAreScikitLearns) {
  const Json cases = golden_metrics().at("multi_label_constants");
  ASSERT_GE(cases.size(), 4u);
  for (const Json& g : cases) {
    const Values training = g.at("training"), validation = g.at("validation");
    const ConstantPredictor constant = multi_label_constant(
        training, g.at("training_documents"), validation, g.at("validation_documents"));
    expect_near(constant.f1_micro, g, "f1_micro", training.size());
    expect_near(constant.f1_macro, g, "f1_macro", training.size());
    expect_near(constant.average_precision_micro, g, "average_precision_micro", training.size());
    EXPECT_FALSE(constant.accuracy);
  }
}

TEST(ConstantPredictor, SingleLabelAnswersAreScikitLearns) {
  const Json cases = golden_metrics().at("single_label_constants");
  ASSERT_GE(cases.size(), 2u);
  for (const Json& g : cases) {
    const Values training = g.at("training"), validation = g.at("validation");
    const ConstantPredictor constant = single_label_constant(training, validation);
    expect_near(constant.accuracy, g, "accuracy", training.size());
    expect_near(constant.f1_micro, g, "f1_micro", training.size());
    expect_near(constant.f1_macro, g, "f1_macro", training.size());
    EXPECT_FALSE(constant.average_precision_micro);
  }
}

ConstantPredictor constant_of(const RunSpec& spec, std::int64_t evaluated) {
  const TokenStore store(tiny_store(spec));
  return constant_predictor(store, BatchSource(store, spec), evaluated, spec);
}

// The store's own baselines are those of the whole validation split.
TEST(ConstantPredictor, OnTheWholeSplitItIsTheStoresBaseline) {
  const RunSpec single = tiny_spec("E");
  const TokenStore store(tiny_store(single));
  const std::int64_t all = store.documents(Split::kValidation);
  const ConstantPredictor majority = constant_of(single, all);
  EXPECT_DOUBLE_EQ(majority.loss, store.meta().single_label_prior_loss);
  EXPECT_DOUBLE_EQ(*majority.accuracy, store.meta().single_label_majority_accuracy);
  EXPECT_NE(constant_of(single, all / 2).loss, majority.loss);

  RunSpec multi = tiny_spec("C");
  EXPECT_DOUBLE_EQ(constant_of(multi, all).loss, store.meta().multi_label_prior_loss);
  EXPECT_NE(constant_of(multi, all / 2).loss, store.meta().multi_label_prior_loss);
  multi.train.bce_reduction = BceReduction::kSumLabels;
  EXPECT_DOUBLE_EQ(
      constant_of(multi, all).loss,
      store.meta().multi_label_prior_loss * static_cast<double>(multi.data.synthetic_labels));
}

TEST(ConstantPredictor, MaskedUnigramLossIsOverMaskedTargetsAndOrdinaryTokens) {
  const RunSpec spec = tiny_spec("B");
  const TokenStore store(tiny_store(spec));
  const BatchSource source(store, spec);
  constexpr std::int64_t kExamples = 100;  // more than one batch of the predictor's
  std::vector<double> counts(2048, 0.5);
  double sum = 0;
  for (const std::uint16_t token : store.tokens(Split::kTrain))
    if (token > 3 && token != 2047) counts[token] += 1;
  for (const double count : counts)
    sum += count;
  const at::Tensor targets = source.validation_batch(0, kExamples).content.targets;
  double loss = 0;
  for (std::int64_t i = 0; i < targets.numel(); ++i)
    loss -= std::log(counts[static_cast<std::size_t>(targets[i].item<std::int64_t>())] / sum);
  const ConstantPredictor constant = constant_predictor(store, source, kExamples, spec);
  EXPECT_NEAR(constant.loss, loss / static_cast<double>(targets.numel()),
              constant.loss * reduction_tolerance(Dtype::kFloat64, Dtype::kFloat64,
                                                  static_cast<double>(targets.numel())));
  EXPECT_FALSE(constant.accuracy || constant.f1_micro || constant.average_precision_micro);
}

TEST(ConstantPredictor, ValidationWithoutMaskedTargetsIsRefused) {
  RunSpec spec = tiny_spec("B");
  spec.data.length = 2;
  const TokenStore store(tiny_store(spec));
  const BatchSource source(store, spec);
  std::int64_t examples = 0;  // the longest run of blocks from the start without a target
  while (source.validation_batch(0, examples + 1).targets == 0)
    ++examples;
  ASSERT_GT(examples, 0) << "choose another seed";
  expect_error([&] { constant_predictor(store, source, examples, spec); }, ExitCode::kUsage,
               {"without a token to predict", "--length"});
}

}  // namespace
}  // namespace dtbench::testing
