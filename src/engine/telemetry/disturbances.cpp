#include "engine/telemetry/disturbances.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.h"
#include "engine/telemetry/throughput.h"

namespace dtbench {
namespace {

constexpr std::size_t kStepsForASpread = 10;

std::string percent(double share) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.0f %%", 100 * share);
  return text.data();
}

std::string factor(double value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

double p90_over_p10(const std::vector<double>& values) {
  return quantile(values, 0.9) / quantile(values, 0.1);
}

double number_or(const Json& value, double otherwise) {
  return value.is_number() ? value.get<double>() : otherwise;
}

class List {
 public:
  void add(const std::string& kind, double value, double bound, const std::string& message,
           const std::string& remedy) {
    if (value <= bound) return;
    list_.push_back({{"kind", kind},
                     {"value", value},
                     {"bound", bound},
                     {"message", message},
                     {"remedy", remedy}});
  }
  Json take() { return std::move(list_); }

 private:
  Json list_ = Json::array();
};

std::string remedy_for(const std::string& reason) {
  if (reason == "thermal" || reason == "hardware_slowdown")
    return "cool the GPU, or lower its power limit (nvidia-smi -pl) and compare at that limit";
  if (reason == "power_cap" || reason == "power_brake")
    return "the power limit determines the speed: report it with the result, or lock a lower clock "
           "(nvidia-smi -lgc)";
  return "unlock the clocks (nvidia-smi -rgc), or report them with the result";
}

void add_gpu(const Json& gpu, List& list) {
  if (!gpu.is_object()) return;
  for (const auto& [reason, share] : gpu.at("throttled").items())
    list.add("throttled", share, kThrottledBound,
             concat("the GPU ran slower in ", percent(share), " of the samples (", reason, ")"),
             remedy_for(reason));
  const double processes = number_or(gpu.at("compute_processes"), 1);
  list.add("gpu_shared", processes, 1, concat(processes - 1, " other processes used the GPU"),
           "give the cell a GPU of its own");
}

}  // namespace

double step_spread(const std::vector<Json>& steps) {
  std::vector<double> times, times_per_token;
  for (const Json& step : steps) {
    if (step.at("warmup").get<bool>()) continue;
    times.push_back(step.at("step_ms"));
    times_per_token.push_back(times.back() / step.at("tokens").get<double>());
  }
  if (times.size() < kStepsForASpread) return 1;
  return std::min(p90_over_p10(times), p90_over_p10(times_per_token));
}

Json disturbances(const std::vector<Json>& steps, const Json& conditions, const Json& mfu) {
  List list;
  const double spread = step_spread(steps);
  list.add("spread", spread, kSpreadBound,
           concat("step times spread ", factor(spread), "-fold (p90 / p10)"),
           "stop other work on the machine, or train more steps");
  const double wait = number_or(conditions.at("core_wait_share"), 0);
  list.add("other_load", wait, kCoreWaitBound,
           concat("threads waited for a core ", percent(wait), " of the time"),
           "stop other work on the machine, or use fewer threads (OMP_NUM_THREADS)");
  const double swapped = number_or(conditions.at("swapped_bytes"), 0);
  list.add("swapping", swapped, 0,
           concat(human_bytes(static_cast<std::uint64_t>(swapped)), " were swapped out"),
           "free memory, or use a smaller --micro-batch");
  add_gpu(conditions.at("gpu"), list);
  const double peak_wait = number_or(mfu.at("peak_measured_core_wait_share"), 0);
  list.add("peak_under_load", peak_wait, kCoreWaitBound,
           concat("while the peak was measured, threads waited for a core ", percent(peak_wait),
                  " of the time"),
           "run dtbench doctor on a quiet machine to remeasure it");
  return list.take();
}

std::string in_one_line(const Json& disturbances) {
  std::vector<std::string> parts;
  for (const Json& one : disturbances)
    parts.push_back(concat(one.at("message").get<std::string>(), " [",
                           one.at("remedy").get<std::string>(), "]"));
  return parts.empty() ? "" : "the timings were disturbed: " + join(parts, "; ");
}

}  // namespace dtbench
