#include "data/baselines.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace dtbench {
namespace {

using Values = std::vector<std::int64_t>;

TEST(Baselines, PriorCrossEntropyInClosedForm) {
  // p = (1.5, 0.5, 2.5, 0.5) / 5; validation sees outcome 0 twice and the unseen outcome 3 once.
  const double expected = -(2 * std::log(0.3) + std::log(0.1)) / 3;
  EXPECT_DOUBLE_EQ(prior_cross_entropy(Values{1, 0, 2, 0}, Values{2, 0, 0, 1}), expected);
}

TEST(Baselines, UniformCountsGiveTheLogOfTheNumberOfOutcomes) {
  EXPECT_NEAR(prior_cross_entropy(Values(50257, 3), Values(50257, 1)), std::log(50257), 1e-9);
}

TEST(Baselines, MajorityAccuracyIsItsShareOfValidation) {
  EXPECT_DOUBLE_EQ(majority_accuracy(Values{3, 7, 7}, Values{5, 2, 1}), 0.25);
}

TEST(Baselines, MultiLabelPriorInClosedForm) {
  // 3 training documents: p = (2.5, 0.5) / 4. 2 validation documents, the second label unseen.
  const double first = std::log(0.625) + std::log(0.375);
  const double second = std::log(0.125) + std::log(0.875);
  EXPECT_DOUBLE_EQ(multi_label_prior_loss(Values{2, 0}, 3, Values{1, 1}, 2), -(first + second) / 4);
}

}  // namespace
}  // namespace dtbench
