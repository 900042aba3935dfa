// What a run says of its own numbers: counts by literal bits and beside ATen's, the step that
// stored moments make, and that looking changes nothing.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/small_model.h"
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

// Mean 0.5, deviation 0.5: a spike is above 0.5 + 6 x 0.5.
TEST(SpikeWatch, CallsWhatIsSixDeviationsAboveTheWindow) {
  const auto after_window = [](double value) {
    SpikeWatch watch;
    for (int i = 0; i < 128; ++i)
      EXPECT_FALSE(watch.add(i % 2));
    return watch.add(value);
  };
  EXPECT_FALSE(after_window(3.5));
  EXPECT_FALSE(after_window(-100));
  EXPECT_FALSE(after_window(std::nan("")));
  ASSERT_TRUE(after_window(3.6));
  EXPECT_NEAR(*after_window(3.6), 6.2, 1e-12);
  SpikeWatch young;
  for (int i = 0; i < 127; ++i)
    young.add(i % 2);
  EXPECT_FALSE(young.add(1e9));
}

TEST(HealthWatch, LooksOftenAtFirst) {
  std::vector<std::int64_t> looks, rehearsals;
  for (std::int64_t step = 0; step < 300; ++step) {
    if (light_look_is_due(step)) looks.push_back(step);
    if (light_rehearsal_is_due(step)) rehearsals.push_back(step);
  }
  EXPECT_EQ(looks, (std::vector<std::int64_t>{0, 1, 2, 4, 8, 16, 32, 64, 128, 256}));
  EXPECT_EQ(rehearsals, (std::vector<std::int64_t>{0, 128, 256}));
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

std::vector<Json> lines_of(const std::filesystem::path& run) {
  return read_lines(run / "health.jsonl");
}

TEST(MomentHealth, IsTheStepOfTheStoredMoments) {
  const RunSpec spec = cell("fp16_naive");
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, at::kCPU);
  EXPECT_TRUE(moment_health(trainer, 1e-3).empty());
  for (int step = 0; step < 2; ++step) {
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    ASSERT_FALSE(trainer.apply_gradients(gradients));
  }
  std::map<std::string, at::Tensor> states;
  for (auto& [name, tensor] : trainer.update().optimizer().named_states())
    states[name] = tensor.to(at::kDouble);
  for (const MomentHealth& health : moment_health(trainer, 1e-3)) {
    const at::Tensor m = states.at("exp_avg." + health.parameter);
    const at::Tensor v = states.at("exp_avg_sq." + health.parameter);
    const at::Tensor step =
        m.abs() / (1 - 0.9 * 0.9) / ((v / (1 - 0.999 * 0.999)).sqrt() + spec.policy.epsilon);
    EXPECT_EQ(health.flushed, ((v == 0) & (m != 0)).sum().item<std::int64_t>());
    EXPECT_NEAR(health.longest, step.max().item<double>(), 1e-5 * health.longest);
    EXPECT_NEAR(health.length, step.square().mean().sqrt().item<double>(), 1e-5 * health.length);
  }
}

// Losses, norms and weights of a cell with every step looked at, and the memory it says it took.
TEST(HealthWatch, ChangesNothing) {
  const RunSpec spec = cell("amp_fp16");
  const TokenStore store(tiny_store(spec));
  const auto train = [&](bool watched) {
    const TemporaryDirectory folder;
    RunDirectory directory(folder.path());
    const CpuPeakMemory memory;
    Trainer trainer(spec, store, at::kCPU);
    HealthWatch health(directory, trainer, HealthLevel::kFull);
    std::vector<double> numbers;
    for (int step = 0; step < 6; ++step) {
      Trainer::Gradients gradients = trainer.compute_gradients(step);
      const auto nonfinite = trainer.apply_gradients(gradients);
      numbers.insert(numbers.end(), {gradients.event.loss, gradients.event.grad_norm});
      if (watched) health.look(gradients, nonfinite);
    }
    EXPECT_EQ(lines_of(folder.path()).size(), watched ? 6 : 0);
    numbers.push_back(static_cast<double>(memory.peak_allocated_bytes()));
    return std::pair(numbers, trainer.parameters().fingerprint());
  };
  EXPECT_EQ(train(true), train(false));
}

TEST(HealthWatch, SaysWhyACellDied) {
  const RunSpec spec = cell("fp16_naive");
  const TokenStore store(tiny_store(spec));
  const TemporaryDirectory folder;
  RunDirectory directory(folder.path());
  Trainer trainer(spec, store, at::kCPU);
  HealthWatch health(directory, trainer, HealthLevel::kLight);
  std::optional<NonFiniteEvent> nonfinite;
  for (int step = 0; step < 40 && !nonfinite; ++step) {
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    nonfinite = gradients.nonfinite ? gradients.nonfinite : trainer.apply_gradients(gradients);
    health.look(gradients, nonfinite);
  }
  ASSERT_TRUE(nonfinite) << "the cell was built to die";
  const Json last = lines_of(folder.path()).back();
  EXPECT_EQ(last.at("kind"), "nonfinite");
  const std::string why = last.at("why");
  EXPECT_NE(why.find("second moment of "), std::string::npos) << why;
  EXPECT_NE(why.find("exact AdamW: at most 7.27"), std::string::npos) << why;
}

// The same cell with states in fp32 has nothing to say.
TEST(HealthWatch, SaysNothingOfACellThatIsWell) {
  const RunSpec spec = cell("fp16_naive_fp32states");
  const TokenStore store(tiny_store(spec));
  const TemporaryDirectory folder;
  RunDirectory directory(folder.path());
  Trainer trainer(spec, store, at::kCPU);
  HealthWatch health(directory, trainer, HealthLevel::kFull);
  for (int step = 0; step < 10; ++step) {
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    const auto nonfinite = trainer.apply_gradients(gradients);
    health.look(gradients, nonfinite);
  }
  for (const Json& line : lines_of(folder.path()))
    EXPECT_FALSE(line.contains("why")) << line.dump();
  // Every class is there, of each layer and of what lies outside of them.
  std::set<std::string> classes;
  for (const Json& entry : lines_of(folder.path()).front().at("classes"))
    classes.insert(entry.at("class").get<std::string>());
  EXPECT_EQ(classes, (std::set<std::string>{"activation_gradients", "activations", "exp_avg",
                                            "exp_avg_sq", "weight_gradients", "weights"}));
}

}  // namespace
}  // namespace dtbench::testing
