#include "engine/telemetry/disturbances.h"

#include <gtest/gtest.h>

#include "engine/telemetry/conditions.h"
#include "engine/telemetry/throughput.h"

namespace dtbench {
namespace {

Json step(double ms, double tokens = 512, const Json& sample = nullptr) {
  return {{"step_ms", ms},     {"warmup", false},       {"samples", 8},
          {"tokens", tokens},  {"real_tokens", tokens}, {"flops_needed", 2e9},
          {"flops_palm", 3e9}, {"conditions", sample}};
}

Json sample(double wait, std::int64_t swapped = 0, const Json& gpu = nullptr) {
  return {{"seconds", 0.25},   {"core_wait_share", wait},  {"load_average", 1.5},
          {"cpu_mhz", 2600.0}, {"swapped_bytes", swapped}, {"gpu", gpu}};
}

Json gpu(double clock, const std::vector<std::string>& throttle, std::int64_t processes = 1) {
  return {{"sm_clock_mhz", clock},
          {"power_w", 290.0},
          {"temperature_c", clock / 20},
          {"throttle", throttle},
          {"compute_processes", processes}};
}

std::vector<std::string> kinds(const std::vector<Json>& steps, const Peaks& peaks = {}) {
  std::vector<std::string> found;
  for (const Json& one : disturbances(steps, conditions(steps), mfu(steps, peaks))) {
    found.push_back(one.at("kind"));
    EXPECT_GT(one.at("value").get<double>(), one.at("bound").get<double>());
    EXPECT_FALSE(one.at("remedy").get<std::string>().empty());
  }
  return found;
}

using Kinds = std::vector<std::string>;

std::vector<Json> quiet() {
  std::vector<Json> steps(20, step(10));
  steps[10]["conditions"] = sample(0.01);
  steps[19]["conditions"] = sample(0.02);
  return steps;
}

TEST(Disturbances, AQuietRunHasNone) {
  EXPECT_EQ(kinds(quiet()), Kinds{});
  EXPECT_EQ(in_one_line(Json::array()), "");
}

TEST(Disturbances, AFifthOfTheStepsTwiceAsSlowIsASpread) {
  std::vector<Json> steps = quiet();
  for (std::size_t i = 0; i < 4; ++i)
    steps[i]["step_ms"] = 20;
  EXPECT_EQ(kinds(steps), Kinds{"spread"});
  EXPECT_DOUBLE_EQ(step_spread(steps), 2);
  for (std::size_t i = 0; i < 4; ++i)
    steps[i]["warmup"] = true;  // not among the timed
  EXPECT_EQ(kinds(steps), Kinds{});
}

TEST(Disturbances, LongerBatchesMayTakeLonger) {
  std::vector<Json> steps = quiet();
  for (std::size_t i = 0; i < 10; ++i)
    steps[i] = step(20, 1024);
  EXPECT_EQ(kinds(steps), Kinds{});
  EXPECT_DOUBLE_EQ(step_spread(steps), 1);
}

TEST(Disturbances, AFewStepsHaveNoSpread) {
  std::vector<Json> steps(9, step(10));
  steps[0]["step_ms"] = 100;
  steps[1]["step_ms"] = 100;
  EXPECT_EQ(kinds(steps), Kinds{});
}

TEST(Disturbances, WaitingForACoreIsOtherLoad) {
  std::vector<Json> steps = quiet();
  steps[10]["conditions"] = sample(0.3);
  steps[19]["conditions"] = sample(0.5);
  EXPECT_EQ(kinds(steps), Kinds{"other_load"});
  EXPECT_DOUBLE_EQ(conditions(steps).at("core_wait_share"), 0.4);
}

// A median would not see a burst that takes less than half of the samples.
TEST(Disturbances, ABurstOfLoadCountsAsLongAsItIs) {
  std::vector<Json> steps = quiet();
  for (int i = 0; i < 11; ++i)
    steps[i]["conditions"] = sample(0.04);
  for (int i = 11; i < 20; ++i)
    steps[i]["conditions"] = sample(0.9);
  steps[19]["conditions"]["seconds"] = 0.5;
  EXPECT_NEAR(conditions(steps).at("core_wait_share").get<double>(), (11 * 0.04 + 10 * 0.9) / 21,
              1e-12);
  EXPECT_EQ(kinds(steps), Kinds{"other_load"});
}

TEST(Disturbances, Swapping) {
  std::vector<Json> steps = quiet();
  steps[10]["conditions"] = sample(0, 4096);
  EXPECT_EQ(kinds(steps), Kinds{"swapping"});
}

TEST(Disturbances, AGpuThatThrottlesOrIsShared) {
  std::vector<Json> steps = quiet();
  steps[10]["conditions"] = sample(0, 0, gpu(1800, {}));
  steps[19]["conditions"] = sample(0, 0, gpu(1200, {"thermal"}, 2));
  EXPECT_EQ(kinds(steps), (Kinds{"throttled", "gpu_shared"}));
  const Json found = conditions(steps).at("gpu");
  EXPECT_EQ(found.at("throttled"), (Json{{"thermal", 0.5}}));
  EXPECT_EQ(found.at("sm_clock_mhz").at("median"), 1500);
  EXPECT_EQ(found.at("temperature_c"), 90);
  const std::string line = in_one_line(disturbances(steps, conditions(steps), mfu(steps, {})));
  EXPECT_NE(line.find("the GPU ran slower in 50 % of the samples (thermal) [cool"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Disturbances, APeakMeasuredUnderLoad) {
  Peaks peaks;
  peaks.measured = {{"flops_per_s", 1e12}, {"measured_at", "then"}, {"core_wait_share", 0.25}};
  EXPECT_EQ(kinds(quiet(), peaks), Kinds{"peak_under_load"});
  peaks.measured->at("core_wait_share") = 0.01;
  EXPECT_EQ(kinds(quiet(), peaks), Kinds{});
}

TEST(Conditions, WithoutSamplesThereIsNothing) {
  const Json none = conditions({step(10)});
  EXPECT_EQ(none.at("samples"), 0);
  for (const char* field : {"core_wait_share", "load_average", "cpu_mhz", "swapped_bytes", "gpu"})
    EXPECT_TRUE(none.at(field).is_null()) << field;
}

TEST(Conditions, TheLastStepIsSampledAndFewBetween) {
  ConditionsSampler sampler(at::kCPU, 1000);
  int samples = 0;
  for (std::int64_t i = 0; i < 1000; ++i)
    samples += sampler.at_end_of(i).is_null() ? 0 : 1;
  EXPECT_GE(samples, 1);
  EXPECT_LT(samples, 500);
  ConditionsSampler last(at::kCPU, 1);
  const Json line = last.at_end_of(0);
  EXPECT_TRUE(line.at("load_average").is_number());
  EXPECT_TRUE(line.at("gpu").is_null());
}

}  // namespace
}  // namespace dtbench
