// The engine's operations by themselves, forward and backward, at the shapes of GPT-2 4 x 256 with
// batch 4 x 128 and 50,257 tokens, beside the roofline of this machine (Williams, Waterman and
// Patterson 2009): an operation that needs F FLOPs and must move B bytes takes at least max(F /
// peak, B / copy rate). Both roofs are measured here first, as doctor measures them. `of_roof` is
// that least time over the time it took; it may pass 1 where the data stays in a cache, which is
// faster than memory.
#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "base/places.h"
#include "config/resolve.h"
#include "engine/numerics/compute_rules.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/activation.h"
#include "engine/ops/attention.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/lm_head_loss.h"
#include "engine/ops/matmul.h"
#include "engine/optim/adamw.h"
#include "engine/optim/step_decision.h"
#include "engine/telemetry/matmul_rate.h"

namespace dtbench {
namespace {

constexpr std::int64_t kBatch = 4, kLength = 128, kTokens = kBatch * kLength, kWidth = 256,
                       kHeads = 4, kVocabulary = 50257;

struct Roofs {
  std::map<at::ScalarType, double> flops_per_s;
  double bytes_per_s = 0;
};
Roofs roofs;

// What one call needs at least: each operand read once, each result written once.
struct Work {
  double flops, bytes;
};

at::Tensor random(at::IntArrayRef shape, at::ScalarType type) {
  return at::randn(shape, at::kFloat).to(type);
}

void run(benchmark::State& state, at::ScalarType type, const Work& work,
         const std::function<void()>& call) {
  call();  // chooses kernels, touches pages
  for (auto iteration : state) {
    static_cast<void>(iteration);
    call();
  }
  const double least =
      std::max(work.flops / roofs.flops_per_s.at(type), work.bytes / roofs.bytes_per_s);
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(work.flops, Counter::kIsIterationInvariantRate);
  state.counters["B/s"] = Counter(work.bytes, Counter::kIsIterationInvariantRate);
  state.counters["of_roof"] = Counter(least, Counter::kIsIterationInvariantRate);
}

using Operation = std::function<Value(Tape&, const Values&)>;

// Forward, and backward to `leaves` from a given gradient of the result.
void run_both_ways(benchmark::State& state, at::ScalarType type, const Work& work,
                   const std::vector<at::Tensor>& leaves, const Operation& operation) {
  const auto forward = [&](Tape& tape) {
    Values values;
    for (std::size_t i = 0; i < leaves.size(); ++i)
      values.push_back(tape.leaf(leaves[i], i, "leaf"));
    return operation(tape, values);
  };
  Tape once(Tape::Mode::kForwardOnly);
  const at::Tensor gradient = at::ones_like(forward(once).tensor());
  run(state, type, work, [&] {
    Tape tape(Tape::Mode::kDifferentiate);
    tape.backward(forward(tape), gradient, [](std::size_t, const at::Tensor&) {});
  });
}

double bytes_of(double elements, at::ScalarType type) {
  return elements * static_cast<double>(c10::elementSize(type));
}

void linear(benchmark::State& state, at::ScalarType type) {
  const auto x = random({kBatch, kLength, kWidth}, type),
             weight = random({kWidth, 4 * kWidth}, type), bias = random({4 * kWidth}, type);
  const double flops = 3 * 2.0 * kTokens * kWidth * 4 * kWidth;
  const double elements = 3.0 * (kTokens * 5 * kWidth + 4 * kWidth * kWidth);
  run_both_ways(state, type, {flops, bytes_of(elements, type)}, {x, weight, bias},
                [rules = ComputeRules{.compute = type}](Tape& t, const Values& v) {
                  return ops::conv1d(t, v[0], v[1], v[2], rules);
                });
}

void attention(benchmark::State& state, at::ScalarType type) {
  const auto operand = [&] { return random({kBatch, kHeads, kLength, kWidth / kHeads}, type); };
  const at::Tensor mask = ops::causal_mask(kLength, {}, at::kCPU);
  const double flops = 3 * 4.0 * kTokens * kLength * kWidth;  // all scores: none is left out
  run_both_ways(state, type, {flops, bytes_of(12.0 * kTokens * kWidth, type)},
                {operand(), operand(), operand()}, [&](Tape& t, const Values& v) {
                  return ops::attention(t, v[0], v[1], v[2], mask);
                });
}

void layer_norm(benchmark::State& state, at::ScalarType type) {
  const auto x = random({kBatch, kLength, kWidth}, type), weight = random({kWidth}, type),
             bias = random({kWidth}, type);
  run_both_ways(state, type, {0, bytes_of(5.0 * kTokens * kWidth, type)}, {x, weight, bias},
                [rules = ComputeRules{.compute = type}](Tape& t, const Values& v) {
                  return ops::layer_norm(t, v[0], v[1], v[2], 1e-5, rules);
                });
}

void gelu(benchmark::State& state, at::ScalarType type) {
  run_both_ways(state, type, {0, bytes_of(5.0 * kTokens * 4 * kWidth, type)},
                {random({kBatch, kLength, 4 * kWidth}, type)},
                [rules = ComputeRules{.compute = type}](Tape& t, const Values& v) {
                  return ops::gelu_tanh(t, v[0], rules);
                });
}

void dropout(benchmark::State& state, at::ScalarType type) {
  run_both_ways(state, type, {0, bytes_of(4.0 * kTokens * kWidth, type)},
                {random({kBatch, kLength, kWidth}, type)}, [](Tape& t, const Values& v) {
                  return ops::dropout(t, v[0], 0, {.probability = 0.1});
                });
}

void embedding(benchmark::State& state, at::ScalarType type) {
  const auto ids = at::randint(kVocabulary, {kBatch, kLength}, at::kLong);
  const double elements = 3.0 * kTokens * kWidth + kVocabulary * kWidth;  // a dense gradient
  run_both_ways(state, type, {0, bytes_of(elements, type)}, {random({kVocabulary, kWidth}, type)},
                [&](Tape& t, const Values& v) { return ops::embedding(t, v[0], ids); });
}

void lm_head(benchmark::State& state, at::ScalarType type) {
  const auto targets = at::randint(kVocabulary, {kTokens}, at::kLong);
  const double flops = 3 * 2.0 * kTokens * kWidth * kVocabulary;
  const double elements = 3.0 * (kTokens + kVocabulary) * kWidth;
  run_both_ways(state, type, {flops, bytes_of(elements, type)},
                {random({kTokens, kWidth}, type), random({kVocabulary, kWidth}, type)},
                [&](Tape& t, const Values& v) {
                  return ops::lm_head_loss(t, v[0], v[1], {}, targets, {kTokens, 1.0},
                                           {.compute = type});
                });
}

// Weight, gradient and two moments are read, all but the gradient written.
void adamw(benchmark::State& state, const std::string& policy_name, double bytes_an_element) {
  const DtypePolicy policy = load_policy(configs_folder(), policy_name);
  const at::ScalarType type = scalar_type(policy.parameters);
  ParameterSet parameters(type, 0);
  constexpr std::int64_t kRows = 4096, kColumns = 1024;
  parameters.create("w", {kRows, kColumns}, {.deviation = 0.02}, ParameterKind::kMatrix);
  parameters.add_gradient(0, random({kRows, kColumns}, type));
  AdamW optimizer(parameters, adamw_options(policy, TrainSpec{}, 0));
  DeviceScalars scalars(at::kCPU);
  std::int64_t step = 0;
  run(state, at::kFloat, {0, bytes_an_element * kRows * kColumns}, [&] {
    scalars.begin({step++, 1e-4});
    optimizer.step(scalars);
    end_update(*scalars.at_hand(), /*scaled=*/false, {});
  });
}

void measure_roofs() {
  const c10::Device cpu(at::kCPU);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const Json peak = sweep_matmuls(cpu, type, sweep_shapes(cpu));
    roofs.flops_per_s[type] = peak.at("flops_per_s").get<double>();
    std::printf("roof: %-8s matmuls %8.1f GFLOP/s\n", c10::toString(type),
                roofs.flops_per_s[type] / 1e9);
  }
  roofs.bytes_per_s = copy_rate(cpu);
  std::printf("roof: copy in memory    %8.1f GB/s\n\n", roofs.bytes_per_s / 1e9);
}

void register_all() {
  using Benchmark = void (*)(benchmark::State&, at::ScalarType);
  const std::vector<std::pair<const char*, Benchmark>> operations = {
      {"linear", linear},   {"attention", attention}, {"layer_norm", layer_norm}, {"gelu", gelu},
      {"dropout", dropout}, {"embedding", embedding}, {"lm_head_loss", lm_head}};
  for (const auto& [name, operation] : operations)
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
      benchmark::RegisterBenchmark(
          (std::string(name) + "/" + c10::toString(type)).c_str(),
          [run = operation, type](benchmark::State& state) { run(state, type); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
  // Bytes of weight, gradient and moments read, and of weight and moments written.
  const std::vector<std::pair<const char*, double>> policies = {
      {"fp32_true", 28}, {"bf16_pure", 14}, {"fp16_naive", 14}, {"amp_bf16_8bit", 16}};
  for (const auto& [name, bytes] : policies)
    benchmark::RegisterBenchmark((std::string("adamw/") + name).c_str(),
                                 [policy = std::string(name), moved = bytes](
                                     benchmark::State& state) { adamw(state, policy, moved); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace dtbench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  dtbench::measure_roofs();
  dtbench::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
