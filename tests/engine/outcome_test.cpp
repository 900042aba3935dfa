#include "engine/train/outcome.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dtbench {
namespace {

constexpr double kConstant = 5.0;

TrainingState from_to(double start, double end) {
  TrainingState state;
  state.record_evaluation({start, std::nullopt});
  state.record_evaluation({end, std::nullopt});
  return state;
}

TEST(Outcome, FollowsTheContract) {
  EXPECT_EQ(outcome(from_to(7.0, 4.0), kConstant), "trained");
  EXPECT_EQ(outcome(from_to(7.0, 4.96), kConstant), "stalled");  // not 1 % below the constant
  EXPECT_EQ(outcome(from_to(7.0, 6.0), kConstant),
            "stalled");  // improved, but a constant is better
  EXPECT_EQ(outcome(from_to(4.0, 3.97), kConstant), "stalled");  // not 1 % below its start
  EXPECT_EQ(outcome(from_to(4.0, 4.5), kConstant), "stalled");   // worse than its start
  EXPECT_EQ(outcome(from_to(7.0, 7.5), kConstant), "diverged_finite");
  EXPECT_EQ(outcome(from_to(7.0, NAN), kConstant), "nonfinite");
  EXPECT_EQ(outcome(TrainingState{}, kConstant), "");
}

TEST(Outcome, TwentyStepsAboveTwiceTheFirstLossAreADivergence) {
  for (const int steps : {19, 20}) {
    TrainingState state = from_to(7.0, 4.0);
    state.record_step({.step = 0, .loss = 3.0});
    for (int i = 1; i <= steps; ++i)
      state.record_step({.step = i, .loss = 6.5});
    state.record_step({.step = steps + 1, .loss = 1.0});
    EXPECT_EQ(outcome(state, kConstant), steps == 20 ? "diverged_finite" : "trained");
  }
}

TEST(Outcome, AnInterruptedRowOfHighLossesCountsAnew) {
  TrainingState state = from_to(7.0, 4.0);
  state.record_step({.step = 0, .loss = 3.0});
  for (int i = 1; i <= 30; ++i)
    state.record_step({.step = i, .loss = i == 15 ? 1.0 : 6.5});
  EXPECT_EQ(outcome(state, kConstant), "trained");
}

TEST(TrainingState, ReadsBackAsWritten) {
  TrainingState state = from_to(7.0, 4.0);
  state.record_step({.step = 4, .loss = NAN});
  state.first_nonfinite = NonFiniteEvent{4, 2, "loss", "nan", "loss", -1};
  state.last_evaluation->accuracy = 0.5;
  state.last_evaluation->f1_macro = 0.25;
  const Json json = to_json(state);
  EXPECT_EQ(to_json(training_state_from_json(json)), json);
  EXPECT_EQ(json.at("last_loss"), "NaN");
  EXPECT_EQ(json.at("first_nonfinite").at("layer"), nullptr);
}

}  // namespace
}  // namespace dtbench
