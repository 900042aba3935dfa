// One step's window: unscale, clip, update, or drop it whole.
#include "engine/optim/weight_update.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/numerics/scalar_type.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRate = 0.0625;

// A decayed weight and a bias of ones, under a policy.
struct Step {
  explicit Step(const DtypePolicy& policy_, double weight_decay = 0)
      : policy(policy_),
        parameters(at::TensorOptions().dtype(scalar_type(policy.parameters)), 0,
                   scalar_type(policy.gradients)) {
    parameters.create("w", {2}, kOnes, ParameterKind::kMatrix);
    parameters.create("b", {2}, kOnes, ParameterKind::kVector);
    train.weight_decay = weight_decay;
    update.emplace(parameters, policy, train, 0);
  }
  explicit Step(const std::string& name) : Step(policy_named(name)) {}

  // As if a backward pass had left them: stored gradients, so scaled ones.
  void set_gradients(const std::vector<double>& weight, const std::vector<double>& bias) {
    parameters.clear_gradients();
    const at::ScalarType type = scalar_type(policy.gradients);
    parameters.add_gradient(0, at::tensor(weight, at::kDouble).to(type));
    parameters.add_gradient(1, at::tensor(bias, at::kDouble).to(type));
  }

  WeightUpdate::Window finish_gradients() {
    update->begin({step++, kRate});
    update->finish_gradients();
    return update->read();
  }
  WeightUpdate::Window apply() {
    const WeightUpdate::Window window = finish_gradients();
    update->apply();
    update->read();
    return window;
  }

  // All that an update may change, but for the scaler's.
  std::vector<at::Tensor> everything() const {
    std::vector<at::Tensor> copies;
    for (const at::Tensor& value : parameters.values())
      copies.push_back(value.detach().clone());
    for (const auto& [name, tensor] : update->optimizer().named_states())
      copies.push_back(tensor.clone());
    return copies;
  }

  double weight(std::int64_t i) const { return parameters.at("w").value[i].item<double>(); }
  double bias(std::int64_t i) const { return parameters.at("b").value[i].item<double>(); }
  const at::Tensor& gradient(const char* name) const {
    return parameters.gradient(parameters.at(name).index);
  }

  DtypePolicy policy;
  TrainSpec train;
  ParameterSet parameters;
  std::optional<WeightUpdate> update;
  std::int64_t step = 0;
};

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!at::equal(a[i], b[i])) return false;
  return a.size() == b.size();
}

TEST(WeightUpdate, AnOverflowDropsAScaledPolicysWindowWhole) {
  for (const char* policy : {"amp_fp16", "fp16_scaled"})
    for (const double overflow : {kInfinity, -kInfinity, std::nan("")}) {
      Step step(policy);
      step.set_gradients({0.5, 0.25}, {0.25, -0.125});
      EXPECT_FALSE(step.apply().skipped);
      const auto before = step.everything();
      step.set_gradients({1024, 512}, {overflow, 1});  // only the last tensor has one
      EXPECT_TRUE(step.apply().skipped);
      EXPECT_TRUE(equal(step.everything(), before)) << policy << overflow;
      EXPECT_EQ(step.update->updates(), 1);
      EXPECT_EQ(step.update->loss_scale(), 32768);
      // The window after goes on as the second update.
      step.set_gradients({1024, 512}, {256, 1});
      EXPECT_FALSE(step.apply().skipped);
      EXPECT_EQ(step.update->updates(), 2);
      EXPECT_EQ(step.update->loss_scale(), 32768);
      EXPECT_FALSE(equal(step.everything(), before));
    }
}

// Negative control: without a scaler nothing is caught, and nothing hides it.
TEST(WeightUpdate, AnUnscaledPolicyTakesTheOverflow) {
  for (const char* policy : {"fp32_true", "amp_fp16_noscale", "fp16_naive", "bf16_pure"}) {
    Step step(policy);
    step.set_gradients({1, 2}, {kInfinity, 1});
    const WeightUpdate::Window window = step.apply();
    EXPECT_FALSE(window.skipped) << policy;
    EXPECT_FALSE(std::isfinite(window.grad_norm)) << policy;
    EXPECT_EQ(step.update->updates(), 1) << policy;
    EXPECT_TRUE(std::isnan(step.bias(0))) << policy;
    EXPECT_EQ(step.update->loss_scale(), 1) << policy;
  }
}

// What the trainer asks for while it may still want to look at a step that is not finite.
TEST(WeightUpdate, ANonFiniteNormHoldsTheUpdateUntilItIsReleased) {
  for (const char* policy : {"fp32_true", "fp16_naive", "amp_fp16"}) {
    Step step(policy);
    const auto before = step.everything();
    // A loss that is not finite, as a scaler does not see it; or a gradient.
    const bool scaled = std::string(policy) == "amp_fp16";
    step.set_gradients({1, 2}, {scaled ? 1 : kInfinity, 1});
    step.update->begin({0, kRate, 1, /*hold_nonfinite=*/true});
    if (scaled) step.update->record_loss(0, at::full({}, kInfinity, at::kDouble));
    step.update->finish_gradients();
    step.update->apply();
    EXPECT_TRUE(step.update->read().held) << policy;
    EXPECT_EQ(step.update->update_counts().elements, 0) << policy;
    EXPECT_TRUE(equal(step.everything(), before)) << policy;
    EXPECT_EQ(step.update->updates(), 0) << policy;
    step.update->release();
    step.update->apply();
    EXPECT_FALSE(step.update->read().held) << policy;
    EXPECT_EQ(step.update->update_counts().elements, 4) << policy;
    EXPECT_FALSE(equal(step.everything(), before)) << policy;
    EXPECT_EQ(step.update->updates(), 1) << policy;
  }
}

// 65,536 x (0.75, 0.75; 1, 0.25) has the norm sqrt(2.1875) once unscaled.
TEST(WeightUpdate, TheNormIsOfUnscaledGradientsBeforeClipping) {
  const double norm = std::sqrt(2.1875);
  Step wide("amp_fp16");
  wide.set_gradients({49152, 49152}, {65536, 16384});
  EXPECT_NEAR(wide.finish_gradients().grad_norm, norm, 1e-6);
  // The same in 16 bits at a scale of 4,096: 65,536 is no fp16 number.
  DtypePolicy policy = policy_named("fp16_scaled");
  policy.loss_scale.initial = 4096;
  Step narrow(policy);
  narrow.set_gradients({3072, 3072}, {4096, 1024});
  EXPECT_NEAR(narrow.finish_gradients().grad_norm, norm, 1e-6);
}

TEST(WeightUpdate, Fp32GradientsAreUnscaledAndClippedInPlace) {
  Step step("amp_fp16");
  step.set_gradients({3 * 65536.0, 0}, {0, 4 * 65536.0});
  const WeightUpdate::Window window = step.finish_gradients();
  EXPECT_EQ(window.factor, 1);
  EXPECT_NEAR(step.gradient("w")[0].item<double>(), 0.6, 1e-6);
  EXPECT_NEAR(step.gradient("b")[1].item<double>(), 0.8, 1e-6);
}

TEST(WeightUpdate, Fp16GradientsStayScaledAndTheFactorCarriesTheRest) {
  Step step("fp16_scaled");
  step.set_gradients({24576, 0}, {0, 32768});  // 0.375 and 0.5: norm 0.625, not clipped
  EXPECT_EQ(step.finish_gradients().factor, 1.0 / 65536);
  EXPECT_EQ(step.gradient("w")[0].item<double>(), 24576);

  DtypePolicy policy = policy_named("fp16_scaled");
  policy.loss_scale.initial = 1024;
  Step clipped(policy);
  clipped.set_gradients({3072, 0}, {0, 4096});  // 3 and 4: norm 5, clipped to 1
  const WeightUpdate::Window window = clipped.finish_gradients();
  EXPECT_NEAR(window.grad_norm, 5, 1e-6);
  EXPECT_NEAR(window.factor, 1.0 / 1024 / 5.000001, 1e-12);
  EXPECT_EQ(clipped.gradient("w")[0].item<double>(), 3072);
  EXPECT_EQ(clipped.gradient("b")[1].item<double>(), 4096);
}

// A gradient of 2^-26, a quarter of fp16's smallest number, which a scale of 2^16 brought through
// the backward pass as 2^-10. AdamW's first step is rate x g / (|g| + eps), here with g = 1.49e-8
// and eps = 1e-8: 0.598 of the rate.
TEST(WeightUpdate, UnscalingIn16BitsWouldLoseATinyGradient) {
  constexpr double kTiny = 0x1p-26;
  Step step("fp16_scaled");
  step.set_gradients({0x1p-10, 0}, {0, 0});
  const WeightUpdate::Window window = step.apply();
  EXPECT_NEAR(window.grad_norm, kTiny, 1e-6 * kTiny);
  const double wanted = 1 - kRate * kTiny / (kTiny + 1e-8);
  EXPECT_NEAR(step.weight(0), wanted, 0x1p-12);  // half of fp16's spacing below 1
  EXPECT_EQ(step.weight(1), 1);

  // Negative control: unscaled where it is stored, the gradient is 0 and the weight stays.
  Step wrong(policy_named("fp16_naive"));
  wrong.set_gradients({0x1p-10, 0}, {0, 0});
  wrong.gradient("w").mul_(0x1p-16);
  wrong.apply();
  EXPECT_EQ(wrong.weight(0), 1);
}

// Gradients of zero leave decay alone: 1 - rate x decay where it applies.
TEST(WeightUpdate, DecayIsForEmbeddingsAndMatrices) {
  for (const Registered<ModelFamily> architecture : {gpt2_family(), roberta_family()})
    for (const auto& [objective, labels] :
         {std::pair{causal_lm(), 0}, std::pair{multi_label(), 5}}) {
      SmallModel small(small_shape(architecture, objective, labels), policy_named("fp32_true"));
      for (const at::Tensor& value : small.parameters.values())
        value.detach().fill_(1);
      TrainSpec train;
      train.weight_decay = 0.5;
      WeightUpdate update(small.parameters, policy_named("fp32_true"), train, 0);
      update.begin({0, kRate});
      update.finish_gradients();
      update.apply();
      int kept = 0, decayed = 0;
      for (const Parameter& parameter : small.parameters.all()) {
        // Transformers' rule, by name: neither biases nor anything of a norm.
        const std::string& name = parameter.name;
        bool spared = name.ends_with(".bias");
        for (const char* norm : {"LayerNorm", "layer_norm", ".ln_1.", ".ln_2.", ".ln_f."})
          spared = spared || name.find(norm) != std::string::npos;
        const double wanted = spared ? 1 : 1 - kRate * 0.5;
        EXPECT_TRUE((parameter.value == wanted).all().item<bool>()) << name;
        ++(spared ? kept : decayed);
      }
      EXPECT_GT(kept, 0);
      EXPECT_GT(decayed, 0);
    }
}

}  // namespace
}  // namespace dtbench::testing
