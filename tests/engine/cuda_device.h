// A test that needs a GPU: skipped, counted, where there is none.
#pragma once

#include <c10/core/Device.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/numerics/device.h"
#include "engine/numerics/float32_precision.h"
#include "engine/numerics/plugin.h"

namespace dtbench::testing {

// torch keeps its first answer to the question whether it has CUDA, and other tests ask it.
class CudaPluginFirst : public ::testing::Environment {
  void SetUp() override {
    std::string reason;
    load_cuda_plugin(reason);
  }
};
inline ::testing::Environment* const kCudaPluginFirst =
    ::testing::AddGlobalTestEnvironment(new CudaPluginFirst);

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    set_float32_precision(/*tf32=*/false);
    const DeviceChoice choice = choose_device("cuda");
    if (choice.unavailable) GTEST_SKIP() << *choice.unavailable;
    device_ = choice.device;
  }
  c10::Device device_ = c10::kCPU;
};

}  // namespace dtbench::testing
