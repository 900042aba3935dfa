#include "engine/ops/canary.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/numerics/float32_precision.h"
#include "engine/ops/attention.h"

namespace dtbench {
namespace {

TEST(Canary, Fp32ProductsOnTheCpuPass) {
  set_float32_precision(/*tf32=*/false);
  for (const CanaryCheck& check : run_canary(at::kCPU)) {
    EXPECT_TRUE(check.passed()) << check.operation << ": " << check.error;
    EXPECT_GT(check.error, 0) << check.operation << ": an exact result means nothing was rounded";
    RecordProperty(check.operation, std::to_string(check.error));
  }
}

// Negative control: operands cut to TF32's 10 mantissa bits are caught, by every check.
TEST(Canary, OperandsWithTenMantissaBitsAreCaught) {
  set_float32_precision(/*tf32=*/false);
  const auto checks = run_canary(at::kCPU, cut_to_tf32);
  EXPECT_EQ(checks.size(), 8u);
  for (const CanaryCheck& check : checks)
    EXPECT_FALSE(check.passed()) << check.operation << ": " << check.error << " against "
                                 << check.tolerance;
}

// The detector and what it asks for, both ways.
TEST(Canary, ThePrecisionAskedForIsRequired) {
  set_float32_precision(/*tf32=*/false);
  const auto full = run_canary(at::kCPU), cut = run_canary(at::kCPU, cut_to_tf32);
  EXPECT_NO_THROW(require_precision(full, /*tf32=*/false));
  EXPECT_THROW(require_precision(cut, /*tf32=*/false), Error);
  EXPECT_NO_THROW(require_precision(cut, /*tf32=*/true));
  EXPECT_THROW(require_precision(full, /*tf32=*/true), Error);
}

TEST(Canary, TheCutRoundsToNearestEvenAtTenBits) {
  const float ulp = 0x1p-10f;
  const at::Tensor values = at::tensor(
      {1.0f, 1.0f + ulp, 1.0f + ulp / 2, 1.0f + 3 * ulp / 2, 1.0f + 0.51f * ulp, -1.0f - ulp / 2});
  const at::Tensor expected =
      at::tensor({1.0f, 1.0f + ulp, 1.0f, 1.0f + 2 * ulp, 1.0f + ulp, -1.0f});
  EXPECT_TRUE(at::equal(cut_to_tf32(values), expected)) << cut_to_tf32(values);
}

}  // namespace
}  // namespace dtbench
