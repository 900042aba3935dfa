// AdamW against closed forms; bit-exact parity with torch is in tests/parity.
#include "engine/optim/adamw.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace dtbench {
namespace {

TEST(AdamW, TheFirstStepMovesByTheRateAgainstTheGradientsSign) {
  ParameterSet parameters(at::kDouble, 0);
  const at::Tensor weight = parameters.create("w", {2}, kOnes, ParameterKind::kMatrix).value;
  const at::Tensor bias = parameters.create("b", {2}, kOnes, ParameterKind::kVector).value;
  for (const std::size_t index : {0, 1})
    parameters.add_gradient(index, at::tensor({3.0, -0.25}, at::kDouble));
  AdamW optimizer(parameters, {0.9, 0.999, 1e-8, 0.01, StateFormat::kFloat64, StateFormat::kFloat64,
                               OptimizerArithmetic::kFused, UpdateRounding::kNearest, 0});
  optimizer.step(0.1, 1.0, 0);
  // m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|, so the step is 0.1 sign(g); decay takes
  // 0.1 x 0.01 of the weight first, of the weight alone.
  EXPECT_NEAR(bias[0].item<double>(), 1 - 0.1, 1e-8);
  EXPECT_NEAR(bias[1].item<double>(), 1 + 0.1, 1e-8);
  EXPECT_NEAR(weight[0].item<double>(), 0.999 - 0.1, 1e-8);
  EXPECT_NEAR(weight[1].item<double>(), 0.999 + 0.1, 1e-8);
  EXPECT_EQ(optimizer.updates(), 1);
  EXPECT_EQ(optimizer.state_bytes(), 2 * 4 * 8);
}

}  // namespace
}  // namespace dtbench
