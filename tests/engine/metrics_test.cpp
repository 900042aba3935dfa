#include "engine/train/metrics.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

// Worked by hand: label 0 has F1 2x2/(3+2), label 1 2x1/(2+3), label 2 has no support.
TEST(Metrics, FollowScikitLearnsDefinitions) {
  const SingleLabelMetrics metrics =
      single_label_metrics({0, 0, 0, 1, 1, 2}, {0, 0, 1, 1, 3, 1}, 4);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 3.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.f1_micro, 3.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.f1_macro, (4.0 / 5 + 2.0 / 5 + 0.0) / 3);
}

TEST(Metrics, AreOneWhenAllIsRight) {
  const SingleLabelMetrics metrics = single_label_metrics({1, 0}, {1, 0}, 9);
  EXPECT_DOUBLE_EQ(metrics.f1_macro, 1.0);
  EXPECT_DOUBLE_EQ(metrics.accuracy, 1.0);
}

}  // namespace
}  // namespace dtbench
