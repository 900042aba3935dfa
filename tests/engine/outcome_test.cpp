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
  EXPECT_EQ(outcome(from_to(7.0, 4.0), kConstant, StartOf::kScratch), Outcome::kTrained);
  EXPECT_EQ(outcome(from_to(7.0, 4.96), kConstant, StartOf::kScratch),
            Outcome::kStalled);  // not 1 % below the constant
  EXPECT_EQ(outcome(from_to(7.0, 6.0), kConstant, StartOf::kScratch),
            Outcome::kStalled);  // improved, but a constant is better
  EXPECT_EQ(outcome(from_to(4.0, 3.97), kConstant, StartOf::kScratch),
            Outcome::kStalled);  // not 1 % below its start
  EXPECT_EQ(outcome(from_to(4.0, 4.5), kConstant, StartOf::kScratch),
            Outcome::kStalled);  // worse than its start
  EXPECT_EQ(outcome(from_to(7.0, 7.5), kConstant, StartOf::kScratch), Outcome::kDivergedFinite);
  EXPECT_EQ(outcome(from_to(7.0, NAN), kConstant, StartOf::kScratch), Outcome::kNonfinite);
  EXPECT_EQ(outcome(TrainingState{}, kConstant, StartOf::kScratch), std::nullopt);
}

TEST(Outcome, PretrainedWeightsMustNotBecomeWorse) {
  const auto of = [](double start, double end) {
    return outcome(from_to(start, end), kConstant, StartOf::kPretrained);
  };
  EXPECT_EQ(of(4.0, 3.99), Outcome::kTrained);
  EXPECT_EQ(of(4.0, 4.0), Outcome::kTrained);
  EXPECT_EQ(of(4.0, 4.01), Outcome::kStalled);
  EXPECT_EQ(of(7.0, 4.96), Outcome::kStalled);  // not 1 % below the constant
  EXPECT_EQ(of(4.0, 5.1), Outcome::kDivergedFinite);
}

TEST(Outcome, TwentyStepsAboveTwiceTheFirstLossAreADivergence) {
  for (const int steps : {19, 20}) {
    TrainingState state = from_to(7.0, 4.0);
    state.record_step({.step = 0, .loss = 3.0});
    for (int i = 1; i <= steps; ++i)
      state.record_step({.step = i, .loss = 6.5});
    state.record_step({.step = steps + 1, .loss = 1.0});
    EXPECT_EQ(outcome(state, kConstant, StartOf::kScratch),
              steps == 20 ? Outcome::kDivergedFinite : Outcome::kTrained);
  }
}

TEST(Outcome, AnInterruptedRowOfHighLossesCountsAnew) {
  TrainingState state = from_to(7.0, 4.0);
  state.record_step({.step = 0, .loss = 3.0});
  for (int i = 1; i <= 30; ++i)
    state.record_step({.step = i, .loss = i == 15 ? 1.0 : 6.5});
  EXPECT_EQ(outcome(state, kConstant, StartOf::kScratch), Outcome::kTrained);
}

TEST(TrainingState, ReadsBackAsWritten) {
  TrainingState state = from_to(7.0, 4.0);
  state.record_step({.step = 4, .loss = NAN});
  state.first_nonfinite = NonFiniteEvent{4, 2, Phase::kLoss, NonfiniteKind::kNan, "loss", -1};
  state.last_evaluation->accuracy = 0.5;
  state.last_evaluation->f1_macro = 0.25;
  const Json json = to_json(state);
  EXPECT_EQ(to_json(training_state_from_json(json)), json);
  EXPECT_EQ(json.at("last_loss"), "NaN");
  EXPECT_EQ(json.at("first_nonfinite").at("layer"), nullptr);
}

}  // namespace
}  // namespace dtbench
