// What a profile says of a step: floors from closed forms, parts that add up, and numbers that stay
// those of a step that nobody watches.
#include "engine/telemetry/step_profile.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <set>
#include <string>

#include "engine/cuda_device.h"
#include "engine/small_model.h"

namespace dtbench::testing {
namespace {

RunSpec spec_of(const std::string& scenario, const std::string& policy) {
  RunSpec spec = tiny_spec(scenario);
  spec.policy = policy_named(policy);
  spec.train.steps = 4;
  spec.train.eval_examples = 2;
  return spec;
}

Peaks peaks_of(double flops_per_s) {
  Peaks peaks;
  peaks.measured = Json{{"flops_per_s", flops_per_s}};
  return peaks;
}

Json profile_of(const RunSpec& spec) {
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  return profile_steps(trainer, peaks_of(1e11));
}

std::map<std::string, Json> by_name(const Json& profile) {
  std::map<std::string, Json> parts;
  for (const Json& part : profile.at("parts"))
    parts[part.at("name").get<std::string>()] = part;
  return parts;
}

TEST(StepProfile, PartsAddUpToTheStepAndNothingIsLeftOut) {
  const Json profile = profile_of(spec_of("A", "amp_bf16"));
  std::set<std::string> names;
  double milliseconds = 0, floors = 0;
  for (const Json& part : profile.at("parts")) {
    names.insert(part.at("name").get<std::string>());
    milliseconds += part.at("ms").get<double>();
    floors += part.at("floor_ms").get<double>();
    EXPECT_GT(part.at("ms").get<double>(), 0) << part;
    if (part.at("forward_ms").is_null()) continue;
    EXPECT_NEAR(part.at("ms").get<double>(),
                part.at("forward_ms").get<double>() + part.at("backward_ms").get<double>(), 1e-9)
        << part;
  }
  EXPECT_NEAR(milliseconds, profile.at("step_ms").get<double>(), 1e-9);
  EXPECT_NEAR(floors, profile.at("floor_ms").get<double>(), 1e-9);
  EXPECT_EQ(names, (std::set<std::string>{"add", "attention", "batch", "cast", "clipping", "conv1d",
                                          "dropout", "embedding", "gelu", "gradients added up",
                                          "layer_norm", "lm_head_loss", "merge_heads", "reshape",
                                          "select_rows", "split", "split_heads", "update"}));
}

// 6 FLOPs a token and weight of a product (Kaplan et al. 2020, section 2.1), 12 T C a token and
// layer for attention's scores and values.
TEST(StepProfile, FlopsAreThoseOfTheClosedForm) {
  const RunSpec spec = spec_of("A", "fp32_true");
  const auto parts = by_name(profile_of(spec));
  const TokenStore store(tiny_store(spec));
  const auto n = [](std::int64_t x) { return static_cast<double>(x); };
  const double layers = n(spec.model.layers), width = n(spec.model.width),
               tokens = n(spec.train.batch * spec.data.length),
               vocabulary = n(store.meta().vocab_size);
  EXPECT_EQ(parts.at("conv1d").at("flops"), 6 * tokens * layers * 12 * width * width);
  EXPECT_EQ(parts.at("attention").at("flops"), 12 * tokens * n(spec.data.length) * width * layers);
  // The last token of a sample has no target.
  EXPECT_EQ(parts.at("lm_head_loss").at("flops"),
            6 * (tokens - n(spec.train.batch)) * width * vocabulary);
  EXPECT_EQ(parts.at("gelu").at("flops"), 0);
  EXPECT_EQ(parts.at("conv1d").at("calls"), 4 * spec.model.layers);
}

// AdamW reads weight, gradient and two moments and writes all but the gradient.
TEST(StepProfile, BytesOfTheUpdateAreThoseOfThePolicysStates) {
  const std::map<std::string, double> an_element = {
      {"fp32_true", 28}, {"bf16_pure", 14}, {"fp16_naive", 14}};
  for (const auto& [policy, bytes] : an_element) {
    const RunSpec spec = spec_of("E", policy);
    const TokenStore store(tiny_store(spec));
    Trainer trainer(spec, store, at::kCPU);
    double elements = 0;
    for (const at::Tensor& parameter : trainer.parameters().values())
      elements += static_cast<double>(parameter.numel());
    const auto parts = by_name(profile_steps(trainer, peaks_of(1e11)));
    // Beside the moments there is the count of updates.
    EXPECT_NEAR(parts.at("update").at("bytes").get<double>(), bytes * elements, 64) << policy;
    EXPECT_EQ(parts.at("clipping").at("bytes"), elements * (policy == "fp32_true" ? 4 : 2));
  }
}

TEST(StepProfile, AFloorIsTheLongerOfProductsAndBytes) {
  const RunSpec spec = spec_of("A", "fp32_true");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  const Json slow = profile_steps(trainer, peaks_of(1e6)),
             fast = profile_steps(trainer, peaks_of(1e30));
  for (const auto& [name, part] : by_name(slow)) {
    const double flops = part.at("flops").get<double>();
    if (flops > 0) {
      EXPECT_DOUBLE_EQ(part.at("floor_ms").get<double>(), flops / 1e6 * 1e3) << name;
    }
  }
  for (const auto& [name, part] : by_name(fast))
    EXPECT_DOUBLE_EQ(part.at("floor_ms").get<double>(),
                     part.at("bytes").get<double>() / fast.at("bytes_per_s").get<double>() * 1e3)
        << name;
}

TEST_F(Cuda, AProfileAddsUpToTheStep) {
  const RunSpec spec = spec_of("A", "amp_bf16");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, device_);
  const Json profile = profile_steps(trainer, peaks_of(1e14));
  double milliseconds = 0;
  for (const Json& part : profile.at("parts"))
    milliseconds += part.at("ms").get<double>();
  EXPECT_NEAR(milliseconds, profile.at("step_ms").get<double>(), 1e-9);
  EXPECT_GT(by_name(profile).at("conv1d").at("backward_ms").get<double>(), 0);
}

TEST(StepProfile, WithoutAMeasuredRateThereIsNone) {
  const RunSpec spec = spec_of("E", "fp32_true");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  EXPECT_TRUE(profile_steps(trainer, {}).is_null());
}

}  // namespace
}  // namespace dtbench::testing
