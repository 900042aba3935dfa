#include "hardware/measured_peak.h"

#include <atomic>
#include <thread>
#include <vector>

#include "config/support.h"

namespace dtbench {
namespace {

const PeakKey kKey{"some CPU, AVX2", "fp32", "2.11.0", 2};

Json sweep(double rate) {
  return {{"flops_per_s", rate}, {"shape", {1, 2, 3}}, {"sweep", Json::array()}};
}

TEST(MeasuredPeak, IsMeasuredOnce) {
  const TemporaryFolder cache;
  int measured = 0;
  const auto measure = [&] {
    ++measured;
    return sweep(1e11 * measured);
  };
  const Json first = read_or_measure_peak(cache.path(), kKey, measure);
  EXPECT_EQ(first.at("flops_per_s"), 1e11);
  EXPECT_EQ(first.at("key").at("datatype"), "fp32");
  EXPECT_TRUE(first.contains("measured_at"));
  EXPECT_TRUE(first.contains("core_wait_share"));
  EXPECT_EQ(read_or_measure_peak(cache.path(), kKey, measure), first);
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(measure_peak(cache.path(), kKey, measure).at("flops_per_s"), 2e11);  // anew
  EXPECT_EQ(read_peak(cache.path(), kKey)->at("flops_per_s"), 2e11);
  // A busy machine's lower rate does not replace it.
  EXPECT_EQ(measure_peak(cache.path(), kKey, [] { return sweep(1e10); }).at("flops_per_s"), 2e11);
  EXPECT_EQ(read_peak(cache.path(), kKey)->at("flops_per_s"), 2e11);
}

TEST(MeasuredPeak, AnotherDeviceDatatypeTorchOrThreadCountIsAnotherPeak) {
  const TemporaryFolder cache;
  read_or_measure_peak(cache.path(), kKey, [] { return sweep(1); });
  for (const PeakKey& other :
       {PeakKey{"another CPU", "fp32", "2.11.0", 2}, PeakKey{"some CPU, AVX2", "bf16", "2.11.0", 2},
        PeakKey{"some CPU, AVX2", "fp32", "2.12.0", 2},
        PeakKey{"some CPU, AVX2", "fp32", "2.11.0", 1}})
    EXPECT_FALSE(read_peak(cache.path(), other));
}

TEST(MeasuredPeak, ADamagedFileIsMeasuredAnew) {
  const TemporaryFolder cache;
  for (const char* content : {"", "{", "{}", "[1]", "{\"key\": {}, \"flops_per_s\": 5}"}) {
    std::filesystem::create_directories(cache.path() / "peaks");
    std::ofstream(peak_file(cache.path(), kKey)) << content;
    EXPECT_FALSE(read_peak(cache.path(), kKey)) << content;
    EXPECT_EQ(read_or_measure_peak(cache.path(), kKey, [] { return sweep(7); }).at("flops_per_s"),
              7)
        << content;
    EXPECT_EQ(read_peak(cache.path(), kKey)->at("flops_per_s"), 7) << content;
  }
}

// flock excludes two open files even of one process.
TEST(MeasuredPeak, OnlyOneMeasuresAtATime) {
  const TemporaryFolder cache;
  std::atomic<int> measured{0}, at_once{0}, most{0};
  std::vector<std::thread> cells;
  for (int i = 0; i < 4; ++i)
    cells.emplace_back([&] {
      read_or_measure_peak(cache.path(), kKey, [&] {
        most = std::max<int>(most, ++at_once);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        --at_once;
        ++measured;
        return sweep(3);
      });
    });
  for (std::thread& cell : cells)
    cell.join();
  EXPECT_EQ(measured, 1);
  EXPECT_EQ(most, 1);
}

TEST(MeasuredPeak, WhatFailsIsNotKept) {
  const TemporaryFolder cache;
  EXPECT_THROW(
      read_or_measure_peak(cache.path(), kKey, []() -> Json { throw std::runtime_error("no"); }),
      std::runtime_error);
  EXPECT_FALSE(read_peak(cache.path(), kKey));
}

}  // namespace
}  // namespace dtbench
