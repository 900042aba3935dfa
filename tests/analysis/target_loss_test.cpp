// The first loss at or below a target, and what sets one. Expected values are worked by hand.
#include "analysis/target_loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dtbench {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Losses after 0, 10, 20, ... steps of 0.5 s.
ValidationCurve curve_of(const std::vector<double>& losses) {
  ValidationCurve curve;
  for (const double loss : losses) {
    const auto step = static_cast<std::int64_t>(10 * curve.points.size());
    curve.points.push_back({step, loss, 0.5 * static_cast<double>(step)});
  }
  return curve;
}

Cell cell_of(std::int64_t steps, const char* status = "completed") {
  Cell cell;
  cell.spec = {{"train", {{"steps", steps}}}};
  cell.result = {{"status", status}, {"steps_completed", steps}, {"first_nonfinite", nullptr}};
  return cell;
}

TEST(FirstAtOrBelow, IsNotInterpolated) {
  const auto crossing = first_at_or_below(curve_of({7, 6, 4, 3}), 4.5);
  ASSERT_TRUE(crossing);
  EXPECT_EQ(crossing->at.step, 20);
  EXPECT_EQ(crossing->previous.step, 10);
  EXPECT_EQ(crossing->at.seconds, 10);
}

TEST(FirstAtOrBelow, TakesEqualityAndTheFirstOfSeveralCrossings) {
  EXPECT_EQ(first_at_or_below(curve_of({7, 5, 6, 4}), 5)->at.step, 10);
  EXPECT_FALSE(first_at_or_below(curve_of({7, 5, 6, 5.5}), std::nextafter(5.0, 0.0)));
}

TEST(FirstAtOrBelow, LeavesOutTheStartAndWhatIsNoNumber) {
  EXPECT_EQ(first_at_or_below(curve_of({3, 6, kNan, 4}), 4)->at.step, 30);
  EXPECT_FALSE(first_at_or_below(curve_of({3, 6, kNan}), 4));
}

TEST(Target, IsTheReferencesLastLossAndItsOwnFirstCrossing) {
  const Target target = target_of(cell_of(40), curve_of({7, 6, 4, 3, 3.5}));
  EXPECT_EQ(target.missing, Target::Missing::kNone);
  EXPECT_EQ(target.loss, 3.5);
  EXPECT_EQ(target.crossing.at.step, 30);  // it rose again: the policies have the same chance
}

TEST(Target, IsMissingForAReason) {
  using Missing = Target::Missing;
  EXPECT_EQ(target_of(cell_of(20), curve_of({7, 7, 7})).missing, Missing::kNotImproved);
  EXPECT_EQ(target_of(cell_of(20), curve_of({7, 6, kNan})).missing, Missing::kNotFinite);
  EXPECT_EQ(target_of(cell_of(20, "diverged"), curve_of({7, 6, 5})).missing, Missing::kNotFinite);
  EXPECT_EQ(target_of(cell_of(10), curve_of({7, 6})).missing, Missing::kNoPoints);
  EXPECT_EQ(target_of(cell_of(30), curve_of({7, 6, 5})).missing, Missing::kNoPoints);  // no end
  EXPECT_EQ(target_of(cell_of(20), {}).missing, Missing::kNoPoints);
}

Json spec_of(int eval_every) {
  return {{"train", {{"steps", 4}, {"eval_every", eval_every}}}};
}

StepColumns steps_of(const std::vector<double>& ms) {
  StepColumns steps;
  steps.step_ms = ms;
  return steps;
}

TEST(ValidationCurve, IsOfPointsUnlessTheSpecAsksForEvaluationsAlongTheWay) {
  const std::vector<Json> events = {
      {{"event", "started"}},
      {{"event", "evaluation"}, {"step", 0}, {"val_loss", 7.0}, {"point_loss", 7.5}},
      {{"event", "validation_point"}, {"step", 2}, {"point_loss", 6.5}},
      {{"event", "nonfinite"}, {"step", 3}},
      {{"event", "evaluation"}, {"step", 4}, {"val_loss", 5.0}, {"point_loss", "NaN"}}};
  const StepColumns steps = steps_of({100, 200, 300, 400});
  const auto points = validation_curve(spec_of(0), events, steps);
  ASSERT_EQ(points.points.size(), 3u);
  EXPECT_EQ(points.points[1].step, 2);
  EXPECT_EQ(points.points[1].loss, 6.5);
  EXPECT_DOUBLE_EQ(points.points[1].seconds, 0.3);
  EXPECT_DOUBLE_EQ(points.points[2].seconds, 1.0);
  EXPECT_TRUE(std::isnan(points.points[2].loss));
  EXPECT_TRUE(points.has_way(4));
  const auto evaluations = validation_curve(spec_of(2), events, steps);
  ASSERT_EQ(evaluations.points.size(), 2u);
  EXPECT_EQ(evaluations.points[0].loss, 7.0);
  EXPECT_FALSE(evaluations.has_way(4));
  // That many steps apart lies nothing: the first step and the last are evaluated anyhow.
  EXPECT_EQ(validation_curve(spec_of(4), events, steps).of, ValidationCurve::Of::kPoints);
}

TEST(ValidationCurve, ATimeThatIsNotRecordedIsNotMadeUp) {
  const std::vector<Json> events = {{{"step", 1}, {"point_loss", 7.0}},
                                    {{"step", 3}, {"point_loss", 6.0}},
                                    {{"step", 9}, {"point_loss", 5.0}}};
  const auto curve = validation_curve(spec_of(0), events, steps_of({100, kNan, 300}));
  EXPECT_DOUBLE_EQ(curve.points[0].seconds, 0.1);
  EXPECT_TRUE(std::isnan(curve.points[1].seconds));
  EXPECT_TRUE(std::isnan(curve.points[2].seconds));  // beyond the recorded steps
}

}  // namespace
}  // namespace dtbench
