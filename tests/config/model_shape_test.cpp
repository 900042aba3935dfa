#include "config/model_shape.h"

#include "config/memory_estimate.h"
#include "config/support.h"

namespace dtbench {
namespace {

struct Case {
  std::string name;
  ModelShape shape;
  Json golden;
};

// golden/model_shapes.py wrote them from Transformers' models.
std::vector<Case> cases() {
  std::vector<Case> all;
  const Json golden =
      read_json_file(source_folder() / "tests" / "config" / "golden" / "model_shapes.json");
  for (const Json& g : golden.at("cases")) {
    const std::string architecture = g.at("architecture");
    all.push_back({g.at("size").get<std::string>() + " " + architecture + " " +
                       g.at("objective").get<std::string>(),
                   {*registry<ModelFamily>().find(architecture),
                    *registry<Task>().find(g.at("objective").get<std::string>()), g.at("layers"),
                    g.at("width"), g.at("heads"), g.at("positions"), g.at("vocab"), g.at("labels")},
                   g});
  }
  return all;
}

StepTokens full_sequences(std::int64_t samples, std::int64_t length) {
  const std::int64_t tokens = samples * length;
  return {tokens,  tokens, tokens,
          samples, length, static_cast<double>(samples) * static_cast<double>(length * length)};
}

TEST(ModelShape, ParameterCountsAreTransformers) {
  ASSERT_EQ(cases().size(), 12U);
  for (const Case& c : cases())
    EXPECT_EQ(parameter_count(c.shape), c.golden.at("parameters").get<std::int64_t>()) << c.name;
}

TEST(ModelShape, NeededFlopsAreWhatTorchCountsLessTheMaskedHalfOfCausalAttention) {
  for (const Case& c : cases()) {
    StepTokens tokens = full_sequences(c.golden.at("samples"), c.golden.at("length"));
    const bool gpt2 = c.shape.architecture == gpt2_family();
    if (gpt2) tokens.samples = tokens.real_tokens;  // Transformers scores every token, then pools
    const double total = c.golden.at("flops");
    const double attention = c.golden.at("attention_flops");
    EXPECT_EQ(step_flops(c.shape, tokens).needed, gpt2 ? total - attention / 2 : total) << c.name;
  }
}

TEST(ModelShape, NeededFlopsFollowRealTokensAndTargetsOnly) {
  const ModelShape shape = cases().at(0).shape;  // GPT-2, causal language model
  StepTokens tokens = full_sequences(4, 512);
  const StepFlops full = step_flops(shape, tokens);
  tokens.targets -= 100;
  EXPECT_EQ(full.needed - step_flops(shape, tokens).needed, 6.0 * 100 * 768 * 50257);
  tokens = full_sequences(4, 512);
  tokens.padded_tokens += 1024;
  EXPECT_EQ(step_flops(shape, tokens).needed, full.needed);
  EXPECT_GT(step_flops(shape, tokens).palm, full.palm);
}

// PaLM's appendix B for GPT-2 124M.
TEST(ModelShape, PalmFlops) {
  const ModelShape shape = cases().at(0).shape;
  EXPECT_EQ(step_flops(shape, full_sequences(32, 1024)).palm,
            (6.0 * 124439808 + 12.0 * 12 * 12 * 64 * 1024) * 32 * 1024);
}

TEST(ModelShape, MemoryFollowsThePolicysDatatypes) {
  const ModelShape shape = cases().at(0).shape;
  const std::int64_t count = 124439808;
  const auto estimate = [&](const std::string& policy) {
    return estimate_memory(resolve(tiny_request("A", policy)), shape);
  };
  const MemoryEstimate fp32 = estimate("fp32_true");
  EXPECT_EQ(fp32.parameters, 4 * count);
  EXPECT_EQ(fp32.gradients, 4 * count);
  EXPECT_EQ(fp32.optimizer_state, 8 * count);
  EXPECT_GT(fp32.total, fp32.parameters + fp32.gradients + fp32.optimizer_state);

  const MemoryEstimate bf16 = estimate("bf16_pure");
  EXPECT_EQ(bf16.parameters, 2 * count);
  EXPECT_EQ(bf16.gradients, 2 * count);
  EXPECT_EQ(bf16.optimizer_state, 4 * count);
  EXPECT_EQ(estimate("bf16_kahan").optimizer_state, 6 * count);
  EXPECT_EQ(2 * bf16.activations - 64 * 64, fp32.activations);  // but the mask, a byte an element

  const std::int64_t embedding = (50257 + 1024) * 768;
  EXPECT_EQ(estimate("amp_bf16_8bit").optimizer_state,
            8 * embedding + (count - embedding) * 2 * 260 / 256);
  EXPECT_EQ(estimate("amp_bf16").parameters, 4 * count);
  // Where 16-bit numbers replace fp32's, and the copies of the weights.
  const std::int64_t kept = 8 * 64 * 12 * 768;
  EXPECT_EQ(fp32.activations - estimate("amp_bf16").activations,
            kept * 14 * 2 - 2 * 12 * 12 * 768 * 768);
}

// The specification's scenario A as a whole: 32 x 1,024 tokens of GPT-2 124M.
TEST(ModelShape, AFullStepOfTheBaseline) {
  ResolveRequest request = tiny_request("A");
  request.preset = "base";
  for (const char* key : {"data.source", "data.vocab", "data.merges"})
    request.command_line.push_back(flag(key, "x.jsonl"));
  const StepTokens tokens = full_step(resolve(request));
  EXPECT_EQ(tokens.padded_tokens, 32 * 1024);
  EXPECT_EQ(tokens.real_tokens, 32 * 1024);
  EXPECT_EQ(tokens.targets, 32 * 1023);
  EXPECT_EQ(tokens.sum_squared_lengths, 32.0 * 1024 * 1024);
}

TEST(ModelShape, ALanguageModelHasNoLabels) {
  EXPECT_EQ(model_shape(resolve(tiny_request("A")), 2048, 32).labels, 0);
  EXPECT_EQ(model_shape(resolve(tiny_request("C")), 2048, 32).labels, 32);
}

}  // namespace
}  // namespace dtbench
