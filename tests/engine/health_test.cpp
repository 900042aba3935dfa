// A run's numeric health: counts by literal numbers and beside ATen's, updates and attention beside
// their formulas in fp64, and that watching changes nothing.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "engine/small_model.h"
#include "engine/telemetry/activation_health.h"
#include "engine/telemetry/health.h"
#include "engine/telemetry/number_summary.h"
#include "engine/telemetry/peak_memory.h"

namespace dtbench::testing {
namespace {

TEST(NumberSummary, CountsEachKindOfFp16Number) {
  const double inf = std::numeric_limits<double>::infinity();
  const at::Tensor x =
      at::tensor({0.0, -0.0, 0x1p-24, -0x1p-15, 0x1p-14, 65504.0, -inf, std::nan(""), -1.5, 1.0},
                 at::kDouble)
          .to(at::kHalf);
  const NumberSummary found = summary_of(x, /*with_exponents=*/true);
  EXPECT_EQ(found.elements, 10);
  EXPECT_EQ(found.zeros, 2);
  EXPECT_EQ(found.subnormals, 2);
  EXPECT_EQ(found.saturated, 3);
  EXPECT_EQ(found.largest, 65504.0);
  EXPECT_EQ(found.smallest, 0x1p-24);
  const std::map<int, std::int64_t> exponents = {{-24, 1}, {-15, 1}, {-14, 1}, {0, 2}, {15, 1}};
  EXPECT_EQ(found.exponents, exponents);
}

TEST(NumberSummary, OfZerosHasNoSmallest) {
  const NumberSummary found = summary_of(at::zeros({5}, at::kBFloat16), true);
  EXPECT_EQ(found.zeros, 5);
  EXPECT_FALSE(found.smallest);
  EXPECT_EQ(found.largest, 0);
  EXPECT_TRUE(found.exponents.empty());
}

class ManyNumbers : public ::testing::TestWithParam<at::ScalarType> {};

// More than fit one counter of 16 bits, in parts of several threads.
TEST_P(ManyNumbers, AreCountedAsATenCountsThem) {
  at::manual_seed(5);
  at::Tensor x = at::randn({300'007}, at::kDouble) * 1e-5;
  x.index_put_({at::indexing::Slice(0, 70'000)}, 0);
  x = x.to(GetParam());
  const NumberSummary found = summary_of(x, true);
  EXPECT_EQ(found.type, GetParam());
  EXPECT_EQ(found.zeros, (x == 0).sum().item<std::int64_t>());
  EXPECT_EQ(found.largest, x.abs().max().item<double>());
  const at::Tensor nonzero = x.masked_select(x != 0).abs().to(at::kDouble);
  EXPECT_EQ(found.smallest, nonzero.min().item<double>());
  const double normal = GetParam() == at::kHalf ? 0x1p-14 : 0x1p-126;
  EXPECT_EQ(found.subnormals, (nonzero < normal).sum().item<std::int64_t>());
  EXPECT_EQ(found.saturated, 0);
  const at::Tensor exponents = nonzero.log2().floor().to(at::kLong);
  std::int64_t counted = 0;
  for (const auto& [exponent, count] : found.exponents) {
    EXPECT_EQ(count, (exponents == exponent).sum().item<std::int64_t>()) << exponent;
    counted += count;
  }
  EXPECT_EQ(counted, nonzero.numel());
}

INSTANTIATE_TEST_SUITE_P(Formats, ManyNumbers,
                         ::testing::Values(at::kHalf, at::kBFloat16, at::kFloat, at::kDouble));

std::vector<std::int64_t> sampled(HealthLevel level, std::int64_t steps,
                                  bool (*is_sampled)(HealthLevel, std::int64_t, std::int64_t)) {
  std::vector<std::int64_t> found;
  for (std::int64_t step = 0; step < steps; ++step)
    if (is_sampled(level, step, steps)) found.push_back(step);
  return found;
}

TEST(HealthWatch, SamplesOftenAtFirst) {
  using Steps = std::vector<std::int64_t>;
  EXPECT_EQ(sampled(HealthLevel::kLight, 300, samples_step),
            (Steps{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}));
  EXPECT_EQ(sampled(HealthLevel::kLight, 300, samples_activations), (Steps{0, 128, 256}));
  EXPECT_EQ(sampled(HealthLevel::kFull, 256, samples_step).size(), 256U);
  EXPECT_EQ(sampled(HealthLevel::kFull, 257, samples_step)[3], 4);
  for (const std::int64_t steps : {257, 1'000, 100'000})
    EXPECT_LE(sampled(HealthLevel::kFull, steps, samples_step).size(), 256U + 7U);
}

RunSpec cell(const std::string& policy) {
  RunSpec spec = tiny_spec("C");
  spec.policy = policy_named(policy);
  spec.train.learning_rate = 3e-3;
  spec.train.warmup_steps = 4;
  spec.train.steps = 40;
  spec.train.batch = 4;
  spec.train.micro_batch = 2;
  spec.train.eval_examples = 2;
  return spec;
}

class Updates : public ::testing::TestWithParam<const char*> {};

// Beside the formulas of the header in fp64, from copies of weights and states. bf16_pure's moments
// are rounded after the update used them, so its stored weight took another update than the stored
// moments make: that is no part of the formulas, which speak of both as they are.
TEST_P(Updates, AreThoseOfTheFormulas) {
  const RunSpec spec = cell(GetParam());
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  Trainer::Gradients gradients;
  std::vector<at::Tensor> before;
  std::unique_ptr<WeightCopy> copy;
  for (int step = 0; step < 3; ++step) {
    copy = std::make_unique<WeightCopy>(trainer.parameters());
    before.clear();
    for (const Parameter& parameter : trainer.parameters().all())
      before.push_back(parameter.value.to(at::kDouble, false, /*copy=*/true));
    gradients = trainer.compute_gradients(step);
    ASSERT_FALSE(trainer.apply_gradients(gradients));
  }
  std::map<std::string, at::Tensor> states;
  for (auto& [name, tensor] : trainer.update().optimizer().named_states())
    states[name] = tensor.to(at::kDouble);
  const double rate = gradients.event.learning_rate;
  const auto near = [](double value, const at::Tensor& expected) {
    EXPECT_NEAR(value, expected.item<double>(), 1e-4 * std::abs(value));
  };
  double lost = 0;
  const std::vector<UpdateHealth> updates =
      update_health(trainer, gradients, copy.get(), /*with_exponents=*/false);
  ASSERT_EQ(updates.size(), trainer.parameters().all().size());
  for (const Parameter& parameter : trainer.parameters().all()) {
    const UpdateHealth& found = updates[parameter.index];
    SCOPED_TRACE(parameter.name);
    const at::Tensor m = states.at("exp_avg." + parameter.name) / (1 - std::pow(0.9, 3));
    const at::Tensor stored_v = states.at("exp_avg_sq." + parameter.name);
    const at::Tensor v = stored_v / (1 - std::pow(0.999, 3));
    const double epsilon = spec.policy.epsilon;
    const at::Tensor step = m / (v.sqrt() + epsilon);
    EXPECT_EQ(found.underflowed, ((stored_v == 0) & (m != 0)).sum().item<std::int64_t>());
    near(found.longest, step.abs().max());
    near(found.size, step.square().mean().sqrt());
    const at::Tensor now = parameter.value.to(at::kDouble);
    near(found.to_weight, rate * step.norm() / now.norm());
    const at::Tensor g =
        trainer.parameters().gradient(parameter.index).to(at::kDouble) * gradients.window.factor;
    near(found.log_rms.value(), (g.square() / v.clamp_min(epsilon * epsilon)).mean().sqrt().log());
    const double decay = parameter.kind == ParameterKind::kVector ? 0 : spec.train.weight_decay;
    const at::Tensor update = -rate * (step + decay * before[parameter.index]);
    const at::Tensor applied = now - before[parameter.index];
    near(found.lost.value(), ((update != 0) & (applied == 0)).to(at::kDouble).mean());
    near(found.descent_quality.value(), (update * applied).sum() / update.square().sum());
    EXPECT_EQ(found.applied->elements, parameter.value.numel());
    lost += *found.lost;
  }
  // The control: rounding to bf16 loses updates, fp32 none that matter.
  if (spec.policy.name == "bf16_pure")
    EXPECT_GT(lost, 0.1);
  else
    EXPECT_LT(lost, 0.1);
}

INSTANTIATE_TEST_SUITE_P(Policies, Updates, ::testing::Values("fp32_true", "bf16_pure"));

TEST(UpdateHealth, NeedsAnUpdateAndNumbers) {
  const RunSpec spec = cell("amp_bf16_8bit");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  Trainer::Gradients gradients = trainer.compute_gradients(0);
  EXPECT_TRUE(update_health(trainer, gradients, nullptr, false).empty());
  ASSERT_FALSE(trainer.apply_gradients(gradients));
  const std::vector<UpdateHealth> updates = update_health(trainer, gradients, nullptr, false);
  EXPECT_FALSE(updates.empty());  // embeddings have fp32 states
  EXPECT_LT(updates.size(), trainer.parameters().all().size());
  for (const UpdateHealth& update : updates)
    EXPECT_FALSE(update.lost || update.descent_quality || update.applied);
}

// One attention of two heads and T queries that see themselves and what is before them.
class AttentionHealth : public ::testing::Test {
 protected:
  static constexpr std::int64_t kTokens = 5;

  Json of(const at::Tensor& query, const at::Tensor& key, const at::Tensor& real) {
    Trainer::Gradients gradients;
    gradients.batch.samples = 1;
    gradients.batch.content.attention_mask = real;
    ClassSummaries classes;
    ActivationHealth health(trainer_, gradients, classes, false);
    health.on_begin();
    const std::vector<std::int32_t> inputs = {0, 1, 2}, outputs = {3};
    health.on_node({"attention", "h.0.attn", 0, Phase::kForward, inputs, outputs}, Phase::kForward,
                   {query, key, query}, {query});
    return health.attention_json().at(0);
  }

  // Mean entropy of queries that look evenly at 1, 2, ... `queries` keys.
  static double even(std::int64_t queries) {
    double sum = 0;
    for (std::int64_t keys = 1; keys <= queries; ++keys)
      sum += std::log(static_cast<double>(keys));
    return sum / static_cast<double>(queries);
  }

  const RunSpec spec_ = cell("fp32_true");
  const TokenStore store_{tiny_store(spec_)};
  Trainer trainer_{spec_, store_, at::kCPU};
};

TEST_F(AttentionHealth, OfEqualLogitsIsThatOfAnEvenDistribution) {
  const at::Tensor zeros = at::zeros({1, 2, kTokens, 4});
  const Json all = of(zeros, zeros, {});
  EXPECT_EQ(all.at("layer"), 0);
  EXPECT_EQ(all.at("largest_logit"), 0);
  EXPECT_NEAR(all.at("entropy").get<double>(), even(kTokens), 1e-6);
  const at::Tensor real = at::tensor({1, 1, 1, 0, 0}).to(at::kBool).view({1, kTokens});
  EXPECT_NEAR(of(zeros, zeros, real).at("entropy").get<double>(), even(3), 1e-6);
}

TEST_F(AttentionHealth, LogitsAreOfKeysInSight) {
  const at::Tensor query = at::ones({1, 2, kTokens, 4});
  at::Tensor key = at::zeros({1, 2, kTokens, 4});
  key.select(2, 1).fill_(-3);  // 4 x -3 / sqrt(4)
  EXPECT_EQ(of(query, key, {}).at("largest_logit"), 6);
  at::Tensor first = at::zeros({1, 2, kTokens, 4});
  first.select(2, 0).fill_(1);  // this query does not see the second key
  EXPECT_EQ(of(first, key, {}).at("largest_logit"), 0);
}

std::vector<Json> lines_of(const std::filesystem::path& run) {
  return read_lines(run / "health.jsonl");
}

struct Watched {
  std::vector<std::uint64_t> numbers;  // losses and norms by their bits, and the peak of memory
  std::string weights;
  std::ptrdiff_t samples;
};

Watched train(const RunSpec& spec, std::optional<HealthLevel> level) {
  const TokenStore store(tiny_store(spec));
  const TemporaryDirectory folder;
  RunDirectory directory(folder.path());
  const CpuPeakMemory memory;
  Trainer trainer(spec, store, at::kCPU);
  std::optional<HealthWatch> health;
  if (level) health.emplace(directory, trainer, *level);
  Watched watched;
  for (int step = 0; step < 6; ++step) {
    if (health) health->before_step(step);
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    const auto nonfinite = trainer.apply_gradients(gradients);
    for (const double number : {gradients.event.loss, gradients.event.grad_norm})
      watched.numbers.push_back(std::bit_cast<std::uint64_t>(number));
    if (health) health->after_step(gradients, nonfinite);
  }
  watched.numbers.push_back(static_cast<std::uint64_t>(memory.peak_allocated_bytes()));
  watched.weights = trainer.parameters().fingerprint();
  const std::vector<Json> lines = lines_of(folder.path());
  watched.samples = std::count_if(lines.begin(), lines.end(),
                                  [](const Json& line) { return line.contains("classes"); });
  return watched;
}

class EveryPolicy : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryPolicy, TrainsToTheSameBitsAndPeak) {
  const RunSpec spec = cell(GetParam());
  const Watched off = train(spec, std::nullopt), light = train(spec, HealthLevel::kLight),
                full = train(spec, HealthLevel::kFull);
  EXPECT_EQ(off.samples, 0);
  EXPECT_EQ(light.samples, 4);
  EXPECT_EQ(full.samples, 6);
  EXPECT_EQ(light.numbers, off.numbers);
  EXPECT_EQ(full.numbers, off.numbers);
  EXPECT_EQ(light.weights, off.weights);
  EXPECT_EQ(full.weights, off.weights);
  // The control: what is compared tells two cells apart.
  RunSpec other = spec;
  other.train.learning_rate *= 1.001;
  EXPECT_NE(train(other, std::nullopt).weights, off.weights);
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy,
                         ::testing::Values("fp32_true", "amp_fp16", "amp_bf16", "fp16_naive",
                                           "bf16_pure", "amp_bf16_8bit"));

// Until `steps` or the first non-finite value; the record's lines.
std::vector<Json> watched_lines(const RunSpec& spec, HealthLevel level, int steps) {
  const TokenStore store(tiny_store(spec));
  const TemporaryDirectory folder;
  RunDirectory directory(folder.path());
  Trainer trainer(spec, store, at::kCPU);
  HealthWatch health(directory, trainer, level);
  std::optional<NonFiniteEvent> nonfinite;
  for (int step = 0; step < steps && !nonfinite; ++step) {
    health.before_step(step);
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    nonfinite = trainer.apply_gradients(gradients);
    health.after_step(gradients, nonfinite);
  }
  return lines_of(folder.path());
}

TEST(HealthWatch, SaysWhyACellDied) {
  const Json last = watched_lines(cell("fp16_naive"), HealthLevel::kLight, 40).back();
  ASSERT_EQ(last.value("kind", ""), "nonfinite") << "the cell was built to die";
  const std::string why = last.at("why");
  EXPECT_NE(why.find("second moment of "), std::string::npos) << why;
  EXPECT_NE(why.find("exact AdamW: at most 7.27"), std::string::npos) << why;
}

// The scale of the second step overflows fp16, so the scaler drops it.
TEST(HealthWatch, ASkippedStepLosesNoUpdate) {
  RunSpec spec = cell("amp_fp16");
  spec.policy.loss_scale.growth_interval = 1;
  spec.policy.loss_scale.growth_factor = 0x1p30;
  const std::vector<Json> lines = watched_lines(spec, HealthLevel::kFull, 2);
  for (const std::size_t step : {0U, 1U})
    for (const Json& update : lines.at(step).at("updates"))
      EXPECT_EQ(update.at("lost").is_null(), step == 1) << update.dump();
  EXPECT_FALSE(lines[1].at("updates").empty());
}

// The same cell with states in fp32 has nothing to say.
TEST(HealthWatch, SaysNothingOfACellThatIsWell) {
  const std::vector<Json> lines =
      watched_lines(cell("fp16_naive_fp32states"), HealthLevel::kFull, 10);
  for (const Json& line : lines)
    EXPECT_FALSE(line.contains("why")) << line.dump();
  std::set<std::string> classes;
  for (const Json& entry : lines.front().at("classes"))
    classes.insert(entry.at("class").get<std::string>());
  EXPECT_EQ(classes,
            (std::set<std::string>{"activation_gradients", "activations", "exp_avg", "exp_avg_sq",
                                   "updates", "weight_gradients", "weights"}));
}

TEST(HealthReason, IsOfTheParameterWithTheLongestStep) {
  HealthReason reason{TrainSpec{}};
  const auto sample = [](std::int64_t step, double size, double underflowed) {
    return Json{
        {"step", step},
        {"updates", {{{"parameter", "wte"}, {"rms_rates", size}, {"underflowed", underflowed}}}}};
  };
  reason.remember(sample(0, 1, 0));
  reason.remember(sample(3, 1, 0.1));
  reason.remember(sample(4, 2, 0.2));
  reason.remember({{"kind", "spike"}, {"step", 5}});
  UpdateHealth wte{"wte", -1, 200, 62};
  wte.longest = 412;
  wte.size = 20;
  UpdateHealth other{"wpe", -1, 200, 3};
  other.longest = 2;
  EXPECT_EQ(
      reason.words(6, {other, wte}),
      "second moment of wte underflowed in 31 % of elements since step 3; they make a step of "
      "412 learning rates (exact AdamW: at most 7.27); update 20 x its usual size");
  wte.underflowed = 0;
  wte.longest = 7;
  wte.size = 1.5;
  EXPECT_EQ(reason.words(6, {other, wte}), "");
  EXPECT_EQ(reason.words(6, {}), "");
}

}  // namespace
}  // namespace dtbench::testing
