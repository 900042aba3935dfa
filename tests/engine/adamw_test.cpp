// AdamW against closed forms; bit-exact parity with torch is in tests/parity.
#include "engine/optim/adamw.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "engine/one_parameter.h"

namespace dtbench::testing {
namespace {

TEST(AdamW, TheFirstStepMovesByTheRateAgainstTheGradientsSign) {
  ParameterSet parameters(at::kDouble, 0);
  const at::Tensor weight = parameters.create("w", {2}, kOnes, ParameterKind::kMatrix).value;
  const at::Tensor bias = parameters.create("b", {2}, kOnes, ParameterKind::kVector).value;
  for (const std::size_t index : {0, 1})
    parameters.add_gradient(index, at::tensor({3.0, -0.25}, at::kDouble));
  AdamW optimizer(parameters, {0.9, 0.999, 1e-8, 0.01, StateFormat::kFloat64, StateFormat::kFloat64,
                               OptimizerArithmetic::kFused, UpdateRounding::kNearest, 0});
  DeviceScalars scalars(at::kCPU);
  update_once(optimizer, scalars, {0, 0.1});
  // m / (1 - beta1) = g and sqrt(v / (1 - beta2)) = |g|, so the step is 0.1 sign(g); decay takes
  // 0.1 x 0.01 of the weight first, of the weight alone.
  EXPECT_NEAR(bias[0].item<double>(), 1 - 0.1, 1e-8);
  EXPECT_NEAR(bias[1].item<double>(), 1 + 0.1, 1e-8);
  EXPECT_NEAR(weight[0].item<double>(), 0.999 - 0.1, 1e-8);
  EXPECT_NEAR(weight[1].item<double>(), 0.999 + 0.1, 1e-8);
  EXPECT_EQ(optimizer.state_bytes(), 2 * 4 * 8);
}

// A held or skipped step changes neither weights nor states, and its gradients may be anything.
TEST(AdamW, AStepThatDoesNotUpdateChangesNothing) {
  for (const OptimizerArithmetic arithmetic :
       {OptimizerArithmetic::kFused, OptimizerArithmetic::kForeach}) {
    ParameterSet parameters(at::kFloat, 0);
    const at::Tensor weight = parameters.create("w", {2}, kOnes, ParameterKind::kMatrix).value;
    AdamW optimizer(parameters, adamw_with(StateFormat::kFloat32, arithmetic));
    DeviceScalars scalars(at::kCPU);
    parameters.add_gradient(0, at::tensor({1.0f, -2.0f}));
    update_once(optimizer, scalars, {0, 0.1});
    std::vector<at::Tensor> before{weight.clone()};
    for (const auto& [name, state] : optimizer.named_states())
      before.push_back(state.clone());
    parameters.gradient(0).fill_(std::nanf(""));
    for (const std::int32_t update : {0, 1}) {
      scalars.begin({1, 0.1});
      scalars.tensor(&StepScalars::update).fill_(update);
      optimizer.step(scalars);
      EXPECT_EQ(scalars.read().lost_weight_updates, 0);
      bool same = at::equal(weight, before[0]);
      for (std::size_t i = 0; i < optimizer.named_states().size(); ++i)
        same = same && at::equal(optimizer.named_states()[i].second, before[i + 1]);
      EXPECT_EQ(same, update == 0);  // negative control: a step that updates does change them
    }
  }
}

}  // namespace
}  // namespace dtbench::testing
