// What the search for non-finite values costs, as a share of a training step: GPT-2 at the small
// preset's shape and at 124M parameters, the latter with few tokens a step, which is the worst
// case. A finite clipping norm proves the gradients finite, and the norm is needed anyway, so what
// is measured is the scan of the updated parameters and the loss's check.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "base/clock.h"
#include "engine/model/differentiate.h"
#include "engine/numerics/finite.h"
#include "engine/optim/weight_update.h"
#include "engine/telemetry/throughput.h"

namespace dtbench {
namespace {

constexpr std::int64_t kVocabulary = 50257;
constexpr int kWarmup = 2, kSteps = 15;

MicroBatch random_batch(std::int64_t samples, std::int64_t length) {
  MicroBatch batch;
  batch.input_ids = at::randint(kVocabulary, {samples, length}, at::kLong);
  batch.target_index = at::arange(samples * length, at::kLong);
  batch.targets = at::randint(kVocabulary, {samples * length}, at::kLong);
  return batch;
}

struct Times {
  double step, detection;
};

Times timed_step(ParameterSet& parameters, const Model& model, WeightUpdate& update,
                 const MicroBatch& batch, std::uint32_t step) {
  const double started = steady_seconds();
  update.begin({step, 1e-4});
  parameters.clear_gradients();
  const at::Tensor loss =
      differentiate(model, batch, {ComputeRules{}, {0.1, 0, step, 0}},
                    {static_cast<double>(batch.targets.numel()), 1.0}, into(parameters));
  update.record_loss(0, loss);
  update.finish_gradients();
  update.apply();
  const double trained = steady_seconds();
  const bool found =
      !std::isfinite(loss.item<double>()) || find_first_nonfinite(parameters.values());
  const double ended = steady_seconds();
  if (found) std::printf("a non-finite value turned up: the measurement is void\n");
  return {ended - started, ended - trained};
}

void measure(const char* name, const ModelShape& shape, std::int64_t samples, std::int64_t length) {
  ParameterSet parameters(at::kFloat, 0);
  const Model model(parameters, shape, 1e-5);
  WeightUpdate update(parameters, DtypePolicy{}, TrainSpec{}, 0);
  const MicroBatch batch = random_batch(samples, length);
  std::vector<double> steps, shares;
  for (int step = 0; step < kWarmup + kSteps; ++step) {
    const Times times =
        timed_step(parameters, model, update, batch, static_cast<std::uint32_t>(step));
    if (step < kWarmup) continue;
    steps.push_back(times.step * 1e3);
    shares.push_back(100 * times.detection / times.step);
  }
  std::printf("%-34s step %8.1f ms   detection %5.3f %% of it (p10 %5.3f, p90 %5.3f, n %d)\n", name,
              quantile(steps, 0.5), quantile(shares, 0.5), quantile(shares, 0.1),
              quantile(shares, 0.9), kSteps);
}

}  // namespace
}  // namespace dtbench

int main() {
  using namespace dtbench;
  measure("GPT-2 4 x 256, batch 8 x 128",
          {gpt2_family(), causal_lm(), 4, 256, 4, 128, kVocabulary, 0}, 8, 128);
  measure("GPT-2 12 x 768, batch 2 x 256",
          {gpt2_family(), causal_lm(), 12, 768, 12, 1024, kVocabulary, 0}, 2, 256);
  return 0;
}
