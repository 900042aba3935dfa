// What measuring costs: inside the timed step, two readings of the clock and the allocator's hook
// at each allocation; outside, a line of steps.jsonl and a sample of the conditions. Compare with
// the step times of the cell in question (preset tiny: some 10 ms).
#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/telemetry/conditions.h"
#include "engine/telemetry/peak_memory.h"
#include "engine/telemetry/record_writer.h"
#include "engine/telemetry/throughput.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

// Microseconds of one call: p10, median and p90 over repetitions of `calls` calls.
void measure(const char* what, int calls, const std::function<void()>& call) {
  std::vector<double> micro;
  for (int repetition = 0; repetition < 25; ++repetition) {
    const double started = steady_seconds();
    for (int i = 0; i < calls; ++i)
      call();
    micro.push_back((steady_seconds() - started) * 1e6 / calls);
  }
  std::printf("%-52s %9.3f us  (p10 %.3f, p90 %.3f)\n", what, quantile(micro, 0.5),
              quantile(micro, 0.1), quantile(micro, 0.9));
}

void allocate() {
  at::empty({64}, at::kFloat);
}

}  // namespace
}  // namespace dtbench

int main() {
  using namespace dtbench;
  measure("reading the clock", 10000, [] { steady_seconds(); });
  measure("an allocation without the hook", 10000, allocate);
  {
    const CpuPeakMemory hook;
    measure("an allocation with it", 10000, allocate);
  }
  ConditionsSampler sampler(at::kCPU, 1);
  measure("a sample of the conditions", 20, [&] { sampler.at_end_of(0); });

  const auto folder =
      std::filesystem::temp_directory_path() / ("measuring_cost-" + std::to_string(getpid()));
  {
    RunDirectory directory(folder);
    ConditionsSampler seldom(at::kCPU, std::int64_t{1} << 40);
    RecordWriter writer(directory, seldom);
    measure("a line of steps.jsonl, samples when they are due", 200, [&] { writer.on_step({}); });
  }
  std::filesystem::remove_all(folder);
  return 0;
}
