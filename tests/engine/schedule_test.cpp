#include "engine/optim/schedule.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

TEST(Schedule, WarmsUpLinearlyThenStaysConstant) {
  EXPECT_DOUBLE_EQ(learning_rate(6e-4, 100, 0), 6e-6);
  EXPECT_DOUBLE_EQ(learning_rate(6e-4, 100, 49), 3e-4);
  EXPECT_DOUBLE_EQ(learning_rate(6e-4, 100, 99), 6e-4);
  EXPECT_DOUBLE_EQ(learning_rate(6e-4, 100, 100), 6e-4);
  EXPECT_DOUBLE_EQ(learning_rate(6e-4, 100, 1000000), 6e-4);
}

TEST(Schedule, WithoutWarmUpTheFirstStepHasTheFullRate) {
  EXPECT_DOUBLE_EQ(learning_rate(3e-5, 0, 0), 3e-5);
}

}  // namespace
}  // namespace dtbench
