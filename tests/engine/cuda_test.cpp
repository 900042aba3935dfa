// The CUDA plug-in's kernels and the engine on a GPU, held to the CPU. Skipped, counted, where
// there is none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "engine/numerics/device.h"
#include "engine/numerics/finite.h"
#include "engine/numerics/float32_precision.h"
#include "engine/ops/canary.h"
#include "engine/ops/dropout.h"
#include "engine/small_model.h"
#include "engine/train/trainer.h"

namespace dtbench::testing {
namespace {

class Cuda : public ::testing::Test {
 protected:
  void SetUp() override {
    const DeviceChoice choice = choose_device("cuda");
    if (choice.unavailable) GTEST_SKIP() << *choice.unavailable;
    device_ = choice.device;
    set_float32_precision(/*tf32=*/false);
  }
  at::Device device_ = at::kCPU;
};

TEST_F(Cuda, DropoutMasksAreTheCpus) {
  const DropoutContext context{0.1, 42, 7, 3};
  for (const std::int64_t channels : {1, 6, 256}) {
    const at::Tensor here = ops::dropout_mask({3, 70, channels}, 5, context, at::kCPU);
    const at::Tensor there = ops::dropout_mask({3, 70, channels}, 5, context, device_);
    EXPECT_TRUE(at::equal(here, there.cpu())) << channels;
  }
}

TEST_F(Cuda, NonFiniteValuesAreFoundInEveryDatatype) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
    at::Tensor values = at::ones({300001}, at::TensorOptions(device_).dtype(type));
    EXPECT_FALSE(find_nonfinite(values));
    values[300000] = -std::numeric_limits<double>::infinity();
    EXPECT_TRUE(find_nonfinite(values).infinity);
    EXPECT_FALSE(find_nonfinite(values).nan);
    values[0] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(find_nonfinite(values).nan);
  }
}

TEST_F(Cuda, TheCanaryPassesWithoutTf32) {
  for (const CanaryCheck& check : run_canary(device_))
    EXPECT_TRUE(check.passed()) << check.operation << ": " << check.error;
}

// Negative control on the real thing: with TF32 on, tensor cores cut the operands.
TEST_F(Cuda, TheCanaryCatchesTf32) {
  set_float32_precision(/*tf32=*/true);
  const auto checks = run_canary(device_);
  set_float32_precision(/*tf32=*/false);
  EXPECT_TRUE(std::none_of(checks.begin(), checks.end(), [](const CanaryCheck& check) {
    return check.operation.starts_with("mm") && check.passed();
  }));
}

TEST_F(Cuda, AStepEqualsTheCpusUpToRounding) {
  RunSpec spec = tiny_spec("A");
  const TokenStore store(tiny_store(spec));
  Trainer here(spec, store, at::kCPU), there(spec, store, device_);
  EXPECT_EQ(here.parameters().fingerprint(), there.parameters().fingerprint());
  for (std::int64_t step = 0; step < 3; ++step) {
    const StepEvent cpu = here.compute_gradients(step).event;
    const StepEvent gpu = there.compute_gradients(step).event;
    // Dropout masks and batches are equal, so only fp32 rounding differs.
    EXPECT_NEAR(cpu.loss, gpu.loss, 1e-5 * cpu.loss) << "step " << step;
    EXPECT_NEAR(cpu.grad_norm, gpu.grad_norm, 1e-4 * cpu.grad_norm) << "step " << step;
    here.apply_gradients(step, 1e-4);
    there.apply_gradients(step, 1e-4);
  }
}

}  // namespace
}  // namespace dtbench::testing
