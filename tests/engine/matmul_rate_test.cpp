#include "engine/telemetry/matmul_rate.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/telemetry/peaks.h"

namespace dtbench {
namespace {

TEST(MatmulRate, ThePeakIsTheLargestOfTheSweep) {
  const std::vector<MatmulShape> shapes = {{16, 16, 16}, {48, 32, 64}, {96, 96, 96}};
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const Json found = sweep_matmuls(at::kCPU, type, shapes);
    ASSERT_EQ(found.at("sweep").size(), shapes.size());
    double largest = 0;
    Json its_shape;
    for (const Json& one : found.at("sweep")) {
      const double rate = one.at("flops_per_s");
      EXPECT_TRUE(std::isfinite(rate) && rate > 0) << one;
      if (rate > largest) its_shape = one.at("shape");
      largest = std::max(largest, rate);
    }
    EXPECT_EQ(found.at("flops_per_s"), largest);
    EXPECT_EQ(found.at("shape"), its_shape);
  }
}

TEST(MatmulRate, AMultiplyAddIsTwoFlops) {
  EXPECT_EQ((MatmulShape{3, 5, 7}).flops(), 2 * 3 * 5 * 7);
}

// 1 PFLOP of work would take hours; what was found on the small shape says so.
TEST(MatmulRate, ShapesThatWouldTakeLongAreLeftOut) {
  const Json found =
      sweep_matmuls(at::kCPU, at::kFloat, {{64, 64, 64}, {1 << 20, 1 << 14, 1 << 15}});
  EXPECT_EQ(found.at("sweep").size(), 1U);
}

TEST(MatmulRate, EveryDeviceSweepsSmallToLarge) {
  for (const c10::Device& device : {c10::Device(at::kCPU), c10::Device(at::kCUDA, 0)}) {
    const std::vector<MatmulShape> shapes = sweep_shapes(device);
    EXPECT_GE(shapes.size(), 5U);
    EXPECT_LT(shapes.front().flops(), shapes.back().flops());
    for (const MatmulShape& shape : shapes)
      EXPECT_LE(shape.flops(), shapes.back().flops());
  }
}

TEST(Peaks, AKeyNamesDeviceDatatypeTorchAndThreads) {
  const PeakKey fp32 = peak_key(at::kCPU, Dtype::kFloat32, false);
  EXPECT_EQ(fp32.datatype, "fp32");
  EXPECT_EQ(fp32.threads, at::get_num_threads());
  EXPECT_NE(fp32.device.find(at::get_cpu_capability()), std::string::npos);
  EXPECT_EQ(peak_key(at::kCPU, Dtype::kFloat32, true).datatype, "tf32");
  EXPECT_EQ(peak_key(at::kCPU, Dtype::kFloat16, false).datatype, "fp16");
}

}  // namespace
}  // namespace dtbench
