// Where points lie, and what bounds their cost.
#include "config/validation_points.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

TrainSpec train_of(std::int64_t steps, std::int64_t eval_examples = 512) {
  TrainSpec train;
  train.steps = steps;
  train.batch = 8;
  train.eval_examples = eval_examples;
  return train;
}

TEST(ValidationPoints, LieAtStepsThatTheSpecDecides) {
  struct Expected {
    std::int64_t steps, every, points, examples;
  };
  for (const auto& [steps, every, points, examples] :
       {Expected{25, 25, 0, 8}, Expected{30, 25, 1, 8}, Expected{100, 25, 3, 8},
        Expected{999, 25, 39, 8}, Expected{1000, 50, 19, 16}, Expected{2000, 100, 19, 32}}) {
    const TrainSpec train = train_of(steps);
    EXPECT_EQ(point_every(train), every) << steps;
    EXPECT_EQ(points_within(train, steps), points) << steps;
    EXPECT_EQ(point_examples(train), examples) << steps;
  }
}

TEST(ValidationPoints, AreOfNoMoreExamplesThanAnEvaluation) {
  EXPECT_EQ(point_examples(train_of(2000, 20)), 20);
}

// A forward pass is at most half of a step, which has a backward pass, too: the passes of all
// points over 2 x the steps are the largest share of the time that they can take.
TEST(ValidationPoints, CostLessThanTwoPercentOfTheSteps) {
  for (std::int64_t steps = 1; steps < 5000; ++steps) {
    const TrainSpec train = train_of(steps);
    const double passes = static_cast<double>(points_within(train, steps) * point_examples(train)) /
                          static_cast<double>(train.batch);
    EXPECT_LT(passes / (2.0 * static_cast<double>(steps)), 0.02) << steps;
  }
}

}  // namespace
}  // namespace dtbench
