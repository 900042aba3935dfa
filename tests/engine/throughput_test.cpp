#include "engine/telemetry/throughput.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

Json step(double ms, bool warmup) {
  return {{"step_ms", ms},      {"warmup", warmup},    {"samples", 8},     {"tokens", 512},
          {"real_tokens", 400}, {"flops_needed", 2e9}, {"flops_palm", 3e9}};
}

TEST(Throughput, CountsTimedStepsOnly) {
  const std::vector<Json> steps = {step(1000, true), step(10, false), step(20, false),
                                   step(30, false)};
  const Json result = throughput(steps);
  EXPECT_EQ(result.at("timed_steps"), 3);
  EXPECT_EQ(result.at("warmup_steps"), 1);
  EXPECT_DOUBLE_EQ(result.at("samples_per_s"), 24 / 0.06);
  EXPECT_DOUBLE_EQ(result.at("tokens_per_s"), 1536 / 0.06);
  EXPECT_DOUBLE_EQ(result.at("real_tokens_per_s"), 1200 / 0.06);
  EXPECT_DOUBLE_EQ(result.at("step_ms").at("median"), 20);
  EXPECT_DOUBLE_EQ(mfu(steps, {}).at("achieved_flops_per_s"), 6e9 / 0.06);
  EXPECT_DOUBLE_EQ(mfu(steps, {}).at("palm_flops_per_step"), 3e9);
}

// 6e9 FLOPs in 0.06 s.
TEST(Throughput, MfuIsTheShareOfEachPeak) {
  const std::vector<Json> steps = {step(10, false), step(20, false), step(30, false)};
  Peaks peaks;
  peaks.spec = SheetFigure{149.7e12, "a sheet"};
  peaks.measured = {{"flops_per_s", 2e11}, {"measured_at", "then"}, {"core_wait_share", nullptr}};
  const Json found = mfu(steps, peaks);
  EXPECT_DOUBLE_EQ(found.at("vs_spec"), 1e11 / 149.7e12);
  EXPECT_DOUBLE_EQ(found.at("vs_measured"), 0.5);
  EXPECT_EQ(found.at("peak_spec_source"), "a sheet");
  EXPECT_EQ(found.at("peak_measured_at"), "then");
  EXPECT_TRUE(mfu({}, peaks).at("vs_measured").is_null());
  EXPECT_EQ(mfu({}, peaks).at("peak_measured_flops_per_s"), 2e11);
  for (const char* field : {"peak_spec_flops_per_s", "vs_spec", "vs_measured"})
    EXPECT_TRUE(mfu(steps, {}).at(field).is_null()) << field;
}

TEST(Throughput, WithoutTimedStepsThereAreNoRates) {
  EXPECT_TRUE(throughput({step(5, true)}).at("samples_per_s").is_null());
  EXPECT_TRUE(mfu({}, {}).at("achieved_flops_per_s").is_null());
}

// numpy.quantile([1, 2, 4, 8], [0.1, 0.5, 0.9]) with NumPy 2: 1.3, 3.0, 6.8.
TEST(Throughput, QuantilesAreNumPys) {
  EXPECT_DOUBLE_EQ(quantile({8, 1, 4, 2}, 0.1), 1.3);
  EXPECT_DOUBLE_EQ(quantile({8, 1, 4, 2}, 0.5), 3.0);
  EXPECT_DOUBLE_EQ(quantile({8, 1, 4, 2}, 0.9), 6.8);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.9), 5);
}

}  // namespace
}  // namespace dtbench
