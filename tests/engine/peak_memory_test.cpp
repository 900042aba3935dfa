#include "engine/telemetry/peak_memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <thread>

namespace dtbench {
namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;

at::Tensor allocate(std::int64_t mebibytes) {
  return at::empty({mebibytes * kMiB}, at::kByte);
}

// 3, 3 + 5 = 8 (the peak), 3, 3 + 4 = 7, 4, 0, 6.
TEST(PeakMemory, IsTheMostThatWasAllocatedAtOnce) {
  const CpuPeakMemory memory;
  EXPECT_EQ(memory.peak_allocated_bytes(), 0);
  at::Tensor a = allocate(3);
  EXPECT_EQ(memory.peak_allocated_bytes(), 3 * kMiB);
  at::Tensor b = allocate(5);
  b.reset();
  at::Tensor c = allocate(4);
  a.reset();
  c.reset();
  const at::Tensor d = allocate(6);
  EXPECT_EQ(memory.peak_allocated_bytes(), 8 * kMiB);
}

TEST(PeakMemory, ViewsAndInPlaceOperationsTakeNone) {
  const CpuPeakMemory memory;
  const at::Tensor a = allocate(2);
  const at::Tensor view = a.view({2, kMiB}).t().narrow(0, 0, 5);
  a.zero_();
  EXPECT_EQ(memory.peak_allocated_bytes(), 2 * kMiB);
  const at::Tensor copy = a.clone();
  EXPECT_EQ(memory.peak_allocated_bytes(), 4 * kMiB);
}

TEST(PeakMemory, WhatWasThereBeforeIsNotCounted) {
  at::Tensor before = allocate(16);
  const CpuPeakMemory memory;
  before.reset();
  const at::Tensor after = allocate(2);
  EXPECT_EQ(memory.peak_allocated_bytes(), 2 * kMiB);  // not 2 - 16
}

// The known limit: other threads of the program are not counted.
TEST(PeakMemory, CountsItsOwnThread) {
  const CpuPeakMemory memory;
  std::thread([] { allocate(9); }).join();
  EXPECT_EQ(memory.peak_allocated_bytes(), 0);
}

TEST(PeakMemory, OfTheProcess) {
  const CpuPeakMemory memory;
  const Json json = peak_memory(memory, at::kCPU);
  EXPECT_TRUE(json.at("peak_reserved_bytes").is_null());
  EXPECT_GE(json.at("peak_resident_bytes").get<std::int64_t>(), 10 * kMiB);
}

TEST(PeakMemory, OfSeveralProcessesIsTheLargestFieldByField) {
  const Json a = {{"x", 3}, {"y", 5}, {"z", nullptr}, {"w", nullptr}};
  const Json b = {{"x", 4}, {"y", 2}, {"z", nullptr}, {"w", 1}};
  EXPECT_EQ(larger_peaks(a, b), Json({{"x", 4}, {"y", 5}, {"z", nullptr}, {"w", 1}}));
  EXPECT_EQ(larger_peaks(nullptr, b), b);
}

}  // namespace
}  // namespace dtbench
