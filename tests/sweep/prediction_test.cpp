#include "sweep/prediction.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config/resolve.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

RunSpec spec_of(std::string policy, std::int64_t steps) {
  const ResolveRequest request{
      .configs = std::filesystem::path(std::getenv("DTBENCH_SOURCE")) / "configs",
      .scenario = std::string("A"),
      .policy = std::move(policy),
      .preset = std::string("tiny"),
      .file = {},
      .command_line = {},
      .environment = {}};
  RunSpec spec = resolve(request);
  spec.train.steps = steps;
  return spec;
}

// Points of 8 examples where an evaluation is of 512 and takes 1 s.
constexpr double kPoint = 1.0 / 64;

// 100 steps of 50 ms, two evaluations of 1 s and three points, in `wall` seconds.
RunRecord record_of(double wall, const char* status = "completed") {
  RunRecord record;
  record.result = {{"status", status},
                   {"steps_completed", 100},
                   {"wall_s", wall},
                   {"throughput", {{"step_ms", {{"median", 50.0}}}}}};
  return record;
}

class PredictorTest : public ::testing::Test {
 protected:
  RunRecord with_evaluations(RunRecord record) const {
    record.path = folder_.path();
    std::ofstream events(record.path / "events.jsonl");
    for (int i = 0; i < 2; ++i)
      events << R"({"event": "evaluation", "seconds": 1.0})" << "\n";
    for (int i = 0; i < 3; ++i)
      events << R"({"event": "validation_point", "seconds": 0.015625})" << "\n";
    return record;
  }
  TemporaryFolder folder_;
  Predictor predictor_;
};

TEST_F(PredictorTest, SplitsATimeIntoItsParts) {
  predictor_.learn(spec_of("fp32_true", 100), with_evaluations(record_of(10)), std::nullopt);
  // 10 s = once + 100 x 0.05 s + 2 x 1 s + 3 points, after 25, 50 and 75 steps.
  const double once = 3 - 3 * kPoint;
  EXPECT_DOUBLE_EQ(*predictor_.seconds(spec_of("fp32_true", 100)), 10);
  // Every 50 steps, of 16 examples.
  EXPECT_DOUBLE_EQ(*predictor_.seconds(spec_of("fp32_true", 1000)),
                   once + 50 + 2 + 19 * 2 * kPoint);
  RunSpec evaluated = spec_of("fp32_true", 100);
  evaluated.train.eval_every = 25;  // before the first step, after 25, 50, 75 and 100
  EXPECT_DOUBLE_EQ(*predictor_.seconds(evaluated), 10 + 3);
}

TEST_F(PredictorTest, CountsTheTimeOfProcessesWhereThatIsKnown) {
  predictor_.learn(spec_of("fp32_true", 100), with_evaluations(record_of(10)), 12);
  EXPECT_DOUBLE_EQ(*predictor_.seconds(spec_of("fp32_true", 100)), 12);
}

TEST_F(PredictorTest, KnowsItsKindsOnly) {
  predictor_.learn(spec_of("fp32_true", 100), record_of(10), std::nullopt);
  RunSpec same = spec_of("fp32_true", 7);
  same.seed = 3;
  same.train.learning_rate = 1;
  EXPECT_TRUE(predictor_.seconds(same).has_value());
  EXPECT_FALSE(predictor_.seconds(spec_of("bf16_pure", 100)).has_value());
  same.train.batch = 4;
  EXPECT_FALSE(predictor_.seconds(same).has_value());
}

TEST_F(PredictorTest, TakesTheMeanOfRecordsThatEnded) {
  predictor_.learn(spec_of("fp32_true", 100), record_of(10), std::nullopt);
  predictor_.learn(spec_of("fp32_true", 100), record_of(14, "diverged"), std::nullopt);
  predictor_.learn(spec_of("fp32_true", 100), record_of(1000, "failed"), std::nullopt);
  EXPECT_DOUBLE_EQ(*predictor_.seconds(spec_of("fp32_true", 100)), 12);
}

}  // namespace
}  // namespace dtbench
