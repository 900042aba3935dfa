#include "engine/telemetry/throughput.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dtbench {
namespace {

// Sums over the timed steps.
struct Timed {
  std::vector<double> step_ms;
  double seconds = 0, samples = 0, tokens = 0, real_tokens = 0, needed = 0, palm = 0;
  std::int64_t warmup_steps = 0;
};

Timed timed(const std::vector<Json>& steps) {
  Timed sums;
  for (const Json& step : steps) {
    if (step.at("warmup").get<bool>()) {
      ++sums.warmup_steps;
      continue;
    }
    sums.step_ms.push_back(step.at("step_ms"));
    sums.seconds += sums.step_ms.back() / 1e3;
    sums.samples += step.at("samples").get<double>();
    sums.tokens += step.at("tokens").get<double>();
    sums.real_tokens += step.at("real_tokens").get<double>();
    sums.needed += step.at("flops_needed").get<double>();
    sums.palm += step.at("flops_palm").get<double>();
  }
  return sums;
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
}

Json throughput(const std::vector<Json>& steps) {
  const Timed sums = timed(steps);
  Json json = {{"timed_steps", sums.step_ms.size()},
               {"warmup_steps", sums.warmup_steps},
               {"samples_per_s", nullptr},
               {"tokens_per_s", nullptr},
               {"real_tokens_per_s", nullptr},
               {"step_ms", {{"p10", nullptr}, {"median", nullptr}, {"p90", nullptr}}}};
  if (sums.step_ms.empty()) return json;
  json["samples_per_s"] = sums.samples / sums.seconds;
  json["tokens_per_s"] = sums.tokens / sums.seconds;
  json["real_tokens_per_s"] = sums.real_tokens / sums.seconds;
  json["step_ms"] = {{"p10", quantile(sums.step_ms, 0.1)},
                     {"median", quantile(sums.step_ms, 0.5)},
                     {"p90", quantile(sums.step_ms, 0.9)}};
  return json;
}

Json mfu(const std::vector<Json>& steps, const Peaks& peaks) {
  const Timed sums = timed(steps);
  const auto count = static_cast<double>(sums.step_ms.size());
  Json json = {{"formula", "needed"},
               {"flops_per_step", nullptr},
               {"palm_flops_per_step", nullptr},
               {"achieved_flops_per_s", nullptr},
               {"peak_spec_flops_per_s", nullptr},
               {"peak_spec_source", nullptr},
               {"vs_spec", nullptr},
               {"peak_measured_flops_per_s", nullptr},
               {"peak_measured_at", nullptr},
               {"peak_measured_core_wait_share", nullptr},
               {"vs_measured", nullptr}};
  if (peaks.spec) {
    json["peak_spec_flops_per_s"] = peaks.spec->value;
    json["peak_spec_source"] = peaks.spec->source;
  }
  if (peaks.measured) {
    json["peak_measured_flops_per_s"] = peaks.measured->at("flops_per_s");
    json["peak_measured_at"] = peaks.measured->at("measured_at");
    json["peak_measured_core_wait_share"] = peaks.measured->at("core_wait_share");
  }
  if (sums.step_ms.empty()) return json;
  const double achieved = sums.needed / sums.seconds;
  json["flops_per_step"] = sums.needed / count;
  json["palm_flops_per_step"] = sums.palm / count;
  json["achieved_flops_per_s"] = achieved;
  for (const auto& [peak, share] : {std::pair("peak_spec_flops_per_s", "vs_spec"),
                                    std::pair("peak_measured_flops_per_s", "vs_measured")})
    if (!json.at(peak).is_null()) json[share] = achieved / json.at(peak).get<double>();
  return json;
}

}  // namespace dtbench
