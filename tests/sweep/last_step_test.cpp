#include "sweep/last_step.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace dtbench {
namespace {

TEST(LastStep, OfWholeLinesTheLast) {
  const TemporaryFolder run;
  EXPECT_FALSE(last_step(run.path()));
  run.write(
      "steps.jsonl",
      "{\"step\":0}\n{\"loss\":\"NaN\",\"step\":6,\"step_ms\":500,\"samples\":8}\n{\"step\":7");
  const auto step = last_step(run.path());
  ASSERT_TRUE(step);
  EXPECT_EQ(step->done, 7);
  EXPECT_NE(step->loss, step->loss);
  EXPECT_EQ(step->samples_per_s, 16);
}

// A sweep asks for the steps of runs that others may have written.
TEST(LastStep, LinesThatAreNoStepAreNothing) {
  const TemporaryFolder run;
  for (const char* line :
       {R"({"loss":1,"step":9223372036854775807,"step_ms":1,"samples":1})",
        R"({"loss":1,"step":18446744073709551615,"step_ms":1,"samples":1})",
        R"({"loss":1,"step":-1,"step_ms":1,"samples":1})",
        R"({"loss":[],"step":1,"step_ms":1,"samples":1})", "[]", "1", "not json"}) {
    run.write("steps.jsonl", std::string(line) + "\n");
    EXPECT_FALSE(last_step(run.path())) << line;
  }
}

}  // namespace
}  // namespace dtbench
