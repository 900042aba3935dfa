// k micro-batches equal one large batch, for every scenario's model and loss, with ragged numbers
// of targets.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>

#include "engine/numerics/scalar_type.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

// The contract's: exact but for the order of fp64 additions.
constexpr double kTolerance = 1e-12;
constexpr DropoutContext kDropout{0.1, 5, 3, 0};

DtypePolicy uniform(Dtype type, Dtype gradients) {
  DtypePolicy policy;
  policy.parameters = policy.compute = type;
  policy.gradients = gradients;
  return policy;
}

const DtypePolicy kExact = uniform(Dtype::kFloat64, Dtype::kFloat64);

struct Scenario {
  const char* name;
  Registered<ModelFamily> architecture;
  Registered<Task> objective;
  std::int64_t labels;

  ModelShape shape() const { return small_shape(architecture, objective, labels); }
};

const Scenario kScenarios[] = {
    {"A", gpt2_family(), causal_lm(), 0},    {"B", roberta_family(), masked_lm(), 0},
    {"C", gpt2_family(), multi_label(), 5},  {"D", roberta_family(), multi_label(), 5},
    {"E", gpt2_family(), single_label(), 5}, {"F", roberta_family(), single_label(), 5},
};

class Accumulation : public ::testing::TestWithParam<Scenario> {
 protected:
  ModelShape shape_ = GetParam().shape();
  GlobalBatch batch_ = ragged_batch(shape_);
};

INSTANTIATE_TEST_SUITE_P(Scenarios, Accumulation, ::testing::ValuesIn(kScenarios),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

TEST_P(Accumulation, MicroBatchesEqualOneLargeBatch) {
  SmallModel small(shape_, kExact);
  for (const DropoutContext& dropout : {DropoutContext{}, kDropout}) {
    const Accumulated whole = accumulate(small, batch_, 8, dropout, 16);
    for (const std::int64_t k : {2, 4, 8}) {
      const Accumulated split = accumulate(small, batch_, 8 / k, dropout, 16);
      EXPECT_NEAR(split.loss, whole.loss, kTolerance * whole.loss) << "k = " << k;
      EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance) << "k = " << k;
    }
  }
}

TEST_P(Accumulation, HoldsForTheChainsOfTransformers) {
  SmallModel small(shape_, kExact);
  small.rules.loss = LossRule::kTransformers;
  const Accumulated whole = accumulate(small, batch_, 8, kDropout, 16);
  for (const std::int64_t k : {2, 4, 8}) {
    const Accumulated split = accumulate(small, batch_, 8 / k, kDropout, 16);
    EXPECT_NEAR(split.loss, whole.loss, kTolerance * whole.loss) << "k = " << k;
    EXPECT_LE(relative_difference(split.gradients, whole.gradients), kTolerance) << "k = " << k;
  }
}

// Negative control: a test that dropout passes because it does nothing, or masks that belong to the
// position in the micro-batch.
TEST_P(Accumulation, DropoutBelongsToTheGlobalBatch) {
  SmallModel small(shape_, kExact);
  const auto whole = accumulate(small, batch_, 8, kDropout).gradients;
  EXPECT_GT(relative_difference(accumulate(small, batch_, 8).gradients, whole), 1e-3);
  std::vector<at::Tensor> wrong;
  for (std::int64_t first = 0; first < 8; first += 4) {
    GlobalBatch half = batch_;
    half.content = slice(batch_, first, 4, at::kCPU);
    half.samples = 4;
    const auto part = accumulate(small, half, 4, kDropout).gradients;
    for (std::size_t i = 0; i < part.size(); ++i)
      first == 0 ? wrong.push_back(part[i]) : void(wrong[i] += part[i]);
  }
  EXPECT_GT(relative_difference(wrong, whole), 1e-3);
}

// Negative control: the common mistake, each micro-batch divided by its own number of targets. It
// shows where numbers of targets differ: in language models. Documents of the same number of labels
// are a mean of means.
TEST_P(Accumulation, TheMeanOfMeansDiffers) {
  SmallModel small(shape_, kExact);
  const double whole = accumulate(small, batch_, 8).loss;
  double mean_of_means = 0;
  for (std::int64_t first = 0; first < 8; first += 2) {
    const MicroBatch micro = slice(batch_, first, 2, at::kCPU);
    const auto own = static_cast<double>(std::max<std::int64_t>(1, micro.targets.numel()));
    Tape tape(Tape::Mode::kForwardOnly);
    mean_of_means +=
        small.model.loss(micro, {tape, small.rules}, {own, 1.0}).tensor().item<double>() / 4;
  }
  const double apart = std::abs(mean_of_means - whole) / whole;
  if (is_language_model(shape_.objective))
    EXPECT_GT(apart, 1e-3);
  else
    EXPECT_LE(apart, kTolerance);
}

// In classification every document is a target.
class LanguageModelAccumulation : public Accumulation {};
INSTANTIATE_TEST_SUITE_P(Scenarios, LanguageModelAccumulation,
                         ::testing::Values(kScenarios[0], kScenarios[1]),
                         [](const auto& scenario) { return std::string(scenario.param.name); });

TEST_P(LanguageModelAccumulation, AMicroBatchWithoutTargetsContributesNothing) {
  for (const LossRule rule : {LossRule::kContract, LossRule::kTransformers}) {
    SmallModel small(shape_, kExact);
    small.rules.loss = rule;
    GlobalBatch empty = batch_;
    empty.content = slice(batch_, 2, 2, at::kCPU);
    empty.samples = 2;
    ASSERT_EQ(empty.content.targets.numel(), 0);
    const Accumulated none = accumulate(small, empty, 2, kDropout, 65536);
    EXPECT_EQ(none.loss, 0);
    for (const at::Tensor& gradient : none.gradients)
      EXPECT_TRUE(at::equal(gradient, at::zeros_like(gradient)));
  }
}

double length(const at::Tensor& x) {
  return x.to(at::kDouble).norm().item<double>();
}

// What samples first ... first + count - 1 add to the global batch's gradients.
std::vector<at::Tensor> contribution(SmallModel& small, const GlobalBatch& batch,
                                     std::int64_t first, std::int64_t count) {
  GlobalBatch part = batch;
  part.content = slice(batch, first, count, at::kCPU);
  part.samples = count;  // the number of targets stays the global batch's
  return accumulate(small, part, count).gradients;
}

// bf16 with gradients in fp32: each micro-batch's gradient is rounded to bf16 where it is computed
// and added in fp32. Tied weights meet in bf16 before: three roundings there (head, embedding,
// sum). Another shape of a matmul may order its fp32 sums otherwise, which can flip a rounding on
// the way; one more unit covers that.
TEST_P(Accumulation, Fp32GradientsOfABf16ModelAddUpToOneRoundingAMicroBatch) {
  SmallModel small(shape_, uniform(Dtype::kBFloat16, Dtype::kFloat32));
  const auto whole = accumulate(small, batch_, 8).gradients;
  for (const std::int64_t k : {2, 4, 8}) {
    std::vector<double> magnitudes;
    for (const at::Tensor& gradient : whole)
      magnitudes.push_back(length(gradient));
    for (std::int64_t first = 0; first < 8; first += 8 / k) {
      const auto part = contribution(small, batch_, first, 8 / k);
      for (std::size_t i = 0; i < part.size(); ++i)
        magnitudes[i] += length(part[i]);
    }
    const auto split = accumulate(small, batch_, 8 / k).gradients;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const Parameter& parameter = small.parameters.all()[i];
      const int roundings = parameter.kind == ParameterKind::kEmbedding ? 4 : 2;
      EXPECT_EQ(split[i].scalar_type(), at::kFloat);
      EXPECT_LE(length(split[i] - whole[i]),
                roundings * epsilon(Dtype::kBFloat16) / 2 * magnitudes[i])
          << parameter.name << ", k = " << k;
    }
  }
}

// 512 micro-batches whose gradient is 1/512, as the contract documents: added in bf16 they stop at
// one half, where a further 1/512 is half a spacing; fp32 gradients hold all of them.
TEST(GradientStorage, AdditionsIn16BitsStop) {
  for (const at::ScalarType stored : {at::kBFloat16, at::kFloat}) {
    ParameterSet parameters(at::TensorOptions().dtype(at::kBFloat16), 0, stored);
    parameters.create("w", {1}, kOnes, ParameterKind::kMatrix);
    for (int micro = 0; micro < 512; ++micro)
      parameters.add_gradient(0, at::full({1}, 1.0 / 512, at::kBFloat16));
    EXPECT_EQ(parameters.gradients()[0].scalar_type(), stored);
    EXPECT_EQ(parameters.gradients()[0].item<double>(), stored == at::kFloat ? 1.0 : 0.5);
    parameters.clear_gradients();
    EXPECT_EQ(parameters.gradients()[0].item<double>(), 0);
  }
}

}  // namespace
}  // namespace dtbench::testing
