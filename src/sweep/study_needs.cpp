#include "sweep/study_needs.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/table.h"
#include "base/text.h"
#include "config/memory_estimate.h"
#include "config/model_shape.h"
#include "config/resolve.h"
#include "config/study_policies.h"
#include "hardware/spec_sheet.h"

namespace dtbench {
namespace {

constexpr std::array kScenarios = {"A", "B", "C", "D", "E", "F"};
// Of the memory estimate, which has not been held against a GPU (docs/measurement.md).
constexpr double kMemoryMargin = 1.25;
constexpr std::int64_t kLabels = 4271;  // EURLEX57K's list, the longest

RunSpec cell(const std::filesystem::path& configs, const char* scenario, const char* policy) {
  ResolveRequest request;
  request.configs = configs;
  request.scenario = scenario;
  request.policy = policy;
  request.preset = "base";
  RunSpec spec = resolve(request);
  spec.device = "cuda";
  return spec;
}

}  // namespace

Json study_needs(const std::filesystem::path& configs) {
  Json needs = {{"cells", 0},
                {"steps", 0},
                {"memory_bytes", 0},
                {"memory_cell", ""},
                {"flops", Json::object()}};
  for (const char* scenario : kScenarios) {
    for (const char* policy : kStudyPolicies) {
      const RunSpec spec = cell(configs, scenario, policy);
      const ModelShape shape =
          model_shape(spec, spec.model.architecture->published->vocab_size, kLabels);
      const std::string datatype = matmul_datatype(spec.policy.compute, spec.policy.tf32);
      const double flops =
          step_flops(shape, full_step(spec)).needed * static_cast<double>(spec.train.steps);
      needs["cells"] = needs["cells"].get<int>() + 1;
      needs["steps"] = spec.train.steps;
      needs["flops"][datatype] = needs["flops"].value(datatype, 0.0) + flops;
      const std::int64_t bytes = estimate_memory(spec, shape).total;
      if (bytes <= needs["memory_bytes"].get<std::int64_t>()) continue;
      needs["memory_bytes"] = bytes;
      needs["memory_cell"] = concat(scenario, " ", policy);
    }
  }
  return needs;
}

std::optional<double> study_hours(const Json& needs, const Json& products, double share) {
  double seconds = 0;
  for (const auto& [datatype, flops] : needs.at("flops").items()) {
    const Json rate = member_or_null(products, concat("/", datatype, "/flops_per_s").c_str());
    if (!rate.is_number()) return std::nullopt;
    seconds += flops.get<double>() / (share * rate.get<double>());
  }
  return seconds / 3600;
}

CpuHours hours_on_a_cpu(const std::vector<const RunSpec*>& cells) {
  constexpr double kCoreRate = 3e10;  // fp32 matmuls in training steps of these sizes, AVX2
  double flops = 0;
  for (const RunSpec* cell : cells) {
    const auto& published = cell->model.architecture->published;
    if (!published) continue;
    const ModelShape shape = model_shape(*cell, published->vocab_size, kLabels);
    flops += step_flops(shape, full_step(*cell)).needed * static_cast<double>(cell->train.steps);
  }
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return {flops / (kCoreRate * cores) / 3600,
          concat(kCoreRate / 1e9, " GFLOP/s on each of ", cores, " cores")};
}

std::vector<std::string> obstacles(const Json& examined, const Json& needs) {
  std::vector<std::string> reasons;
  const auto at = [&](const char* pointer) { return member_or_null(examined, pointer); };
  if (at("/unavailable").is_string())
    return {concat(readable(at("/asked")), ": ", readable(at("/unavailable")))};
  const Json memory = at("/device/cuda/memory_bytes");
  if (!memory.is_number()) {
    reasons.emplace_back("the device is a CPU; preset base needs a GPU");
  } else if (memory.get<double>() < kMemoryMargin * needs.at("memory_bytes").get<double>()) {
    reasons.push_back(concat("the largest cell (", readable(needs.at("memory_cell")), ") needs ",
                             human_bytes(needs.at("memory_bytes").get<std::uint64_t>()),
                             ", the GPU has ", human_bytes(memory.get<std::uint64_t>())));
  }
  if (at("/canary_passed") != true)
    reasons.emplace_back("the TF32 canary: fp32 matmuls are not computed in fp32 here");
  for (const Json& policy : at("/policies")) {
    const bool asked = std::find(kStudyPolicies.begin(), kStudyPolicies.end(),
                                 policy.at("name").get<std::string>()) != kStudyPolicies.end();
    if (asked && policy.at("unsupported").is_string())
      reasons.push_back(
          concat(readable(policy.at("name")), ": ", readable(policy.at("unsupported"))));
  }
  return reasons;
}

}  // namespace dtbench
