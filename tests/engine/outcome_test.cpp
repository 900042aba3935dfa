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
  EXPECT_EQ(outcome(from_to(7.0, 4.0), kConstant, StartOf::kScratch), "trained");
  EXPECT_EQ(outcome(from_to(7.0, 4.96), kConstant, StartOf::kScratch),
            "stalled");  // not 1 % below the constant
  EXPECT_EQ(outcome(from_to(7.0, 6.0), kConstant, StartOf::kScratch),
            "stalled");  // improved, but a constant is better
  EXPECT_EQ(outcome(from_to(4.0, 3.97), kConstant, StartOf::kScratch),
            "stalled");  // not 1 % below its start
  EXPECT_EQ(outcome(from_to(4.0, 4.5), kConstant, StartOf::kScratch),
            "stalled");  // worse than its start
  EXPECT_EQ(outcome(from_to(7.0, 7.5), kConstant, StartOf::kScratch), "diverged_finite");
  EXPECT_EQ(outcome(from_to(7.0, NAN), kConstant, StartOf::kScratch), "nonfinite");
  EXPECT_EQ(outcome(TrainingState{}, kConstant, StartOf::kScratch), "");
}

TEST(Outcome, PretrainedWeightsMustNotBecomeWorse) {
  const auto of = [](double start, double end) {
    return outcome(from_to(start, end), kConstant, StartOf::kPretrained);
  };
  EXPECT_EQ(of(4.0, 3.99), "trained");
  EXPECT_EQ(of(4.0, 4.0), "trained");
  EXPECT_EQ(of(4.0, 4.01), "stalled");
  EXPECT_EQ(of(7.0, 4.96), "stalled");  // not 1 % below the constant
  EXPECT_EQ(of(4.0, 5.1), "diverged_finite");
}

TEST(Outcome, TwentyStepsAboveTwiceTheFirstLossAreADivergence) {
  for (const int steps : {19, 20}) {
    TrainingState state = from_to(7.0, 4.0);
    state.record_step({.step = 0, .loss = 3.0});
    for (int i = 1; i <= steps; ++i)
      state.record_step({.step = i, .loss = 6.5});
    state.record_step({.step = steps + 1, .loss = 1.0});
    EXPECT_EQ(outcome(state, kConstant, StartOf::kScratch),
              steps == 20 ? "diverged_finite" : "trained");
  }
}

TEST(Outcome, AnInterruptedRowOfHighLossesCountsAnew) {
  TrainingState state = from_to(7.0, 4.0);
  state.record_step({.step = 0, .loss = 3.0});
  for (int i = 1; i <= 30; ++i)
    state.record_step({.step = i, .loss = i == 15 ? 1.0 : 6.5});
  EXPECT_EQ(outcome(state, kConstant, StartOf::kScratch), "trained");
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
