#include "engine/telemetry/conditions.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/log.h"
#include "engine/numerics/plugin.h"
#include "engine/telemetry/throughput.h"

namespace dtbench {
namespace {

constexpr double kInterval = 0.25;  // seconds

// The numbers at `pointer` in all samples that have one.
std::vector<double> numbers_at(const std::vector<Json>& steps, const char* pointer) {
  const Json::json_pointer place(std::string("/conditions") + pointer);
  std::vector<double> numbers;
  for (const Json& step : steps)
    if (step.contains(place) && step.at(place).is_number()) numbers.push_back(step.at(place));
  return numbers;
}

Json largest(const std::vector<double>& values) {
  return values.empty() ? Json() : Json(*std::max_element(values.begin(), values.end()));
}

Json whole(const Json& number) {
  return number.is_null() ? number : Json(number.get<std::int64_t>());
}

Json spread(const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  return {{"p10", quantile(values, 0.1)},
          {"median", quantile(values, 0.5)},
          {"p90", quantile(values, 0.9)}};
}

// Of the sampled time, each sample by the seconds that it covers: bursts count as long as they are.
Json core_wait_share(const std::vector<Json>& steps) {
  double waited = 0, seconds = 0;
  for (const Json& step : steps) {
    const Json sample = step.value("conditions", Json());
    if (!sample.is_object() || !sample.at("core_wait_share").is_number()) continue;
    const auto covered = sample.at("seconds").get<double>();
    waited += sample.at("core_wait_share").get<double>() * covered;
    seconds += covered;
  }
  return seconds > 0 ? Json(waited / seconds) : Json();
}

// By reason, the share of samples in which the GPU gave it for running slower.
Json throttled(const std::vector<Json>& steps) {
  std::map<std::string, double> counts;
  double samples = 0;
  const Json::json_pointer place("/conditions/gpu/throttle");
  for (const Json& step : steps) {
    if (!step.contains(place) || !step.at(place).is_array()) continue;
    ++samples;
    for (const Json& reason : step.at(place))
      ++counts[reason.get<std::string>()];
  }
  Json shares = Json::object();
  for (const auto& [reason, count] : counts)
    shares[reason] = count / samples;
  return shares;
}

Json gpu_conditions(const std::vector<Json>& steps) {
  const Json::json_pointer place("/conditions/gpu");
  const bool sampled = std::any_of(steps.begin(), steps.end(), [&](const Json& step) {
    return step.contains(place) && step.at(place).is_object();
  });
  if (!sampled) return nullptr;
  return {{"sm_clock_mhz", spread(numbers_at(steps, "/gpu/sm_clock_mhz"))},
          {"power_w", spread(numbers_at(steps, "/gpu/power_w"))},
          {"temperature_c", largest(numbers_at(steps, "/gpu/temperature_c"))},
          {"throttled", throttled(steps)},
          {"compute_processes", whole(largest(numbers_at(steps, "/gpu/compute_processes")))}};
}

}  // namespace

ConditionsSampler::ConditionsSampler(const c10::Device& device, std::int64_t steps)
    : steps_(steps), last_(steady_seconds()) {
  if (!device.is_cuda()) return;
  std::string reason;
  nvml_ = Nvml::open(reason);
  if (nvml_ == nullptr)
    log_warning(reason + "; the record will not describe the GPU's state");
  else
    pci_bus_id_ = cuda_plugin().pci_bus_id(device.index());
}

Json ConditionsSampler::at_end_of(std::int64_t step) {
  const double seconds = steady_seconds() - last_;
  if (seconds < kInterval && step + 1 < steps_) return nullptr;
  last_ = steady_seconds();
  const Load load = sample_load();
  return {{"seconds", seconds},
          {"core_wait_share", number_or_null(wait_.share_since_last(seconds))},
          {"load_average", load.load_average},
          {"cpu_mhz", number_or_null(load.cpu_mhz)},
          {"swapped_bytes", load.swapped_bytes},
          {"gpu", gpu()}};
}

Json ConditionsSampler::gpu() const {
  return nvml_ == nullptr ? Json() : to_json(nvml_->sample(pci_bus_id_));
}

Json to_json(const std::optional<GpuSample>& sample) {
  if (!sample) return nullptr;
  return {
      {"sm_clock_mhz", number_or_null(sample->sm_clock_mhz)},
      {"power_w", number_or_null(sample->power_w)},
      {"temperature_c", number_or_null(sample->temperature_c)},
      {"throttle", sample->throttle ? Json(*sample->throttle) : Json()},
      {"compute_processes", sample->compute_processes ? Json(*sample->compute_processes) : Json()}};
}

Json conditions(const std::vector<Json>& steps) {
  return {{"samples", numbers_at(steps, "/seconds").size()},
          {"core_wait_share", core_wait_share(steps)},
          {"load_average", largest(numbers_at(steps, "/load_average"))},
          {"cpu_mhz", spread(numbers_at(steps, "/cpu_mhz"))},
          {"swapped_bytes", whole(largest(numbers_at(steps, "/swapped_bytes")))},
          {"gpu", gpu_conditions(steps)}};
}

}  // namespace dtbench
