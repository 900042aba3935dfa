// What the specification's study (preset base: six scenarios under six policies) asks of a machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/run_spec.h"

namespace dtbench {

// {"cells", "steps", "memory_bytes" (the largest cell's estimate, with "memory_cell"),
//  "flops": {"fp32", "bf16", "fp16"}} by the datatype of the products, all sequences full, one
//  seed.
Json study_needs(const std::filesystem::path& configs);

// Hours of the study if every product ran at a share of the measured rates (`products` as the
// engine's doctor prints them). Nothing where a rate is missing.
std::optional<double> study_hours(const Json& needs, const Json& products, double share);

// Hours of cells at preset base on this machine's CPU, by their FLOPs at a rate that a core
// reaches; `rests_on` says which. 0 for families without a published size.
struct CpuHours {
  double hours = 0;
  std::string rests_on;
};
CpuHours hours_on_a_cpu(const std::vector<const RunSpec*>& cells);

// Why the device that the engine's doctor examined cannot run the study; empty when it can.
std::vector<std::string> obstacles(const Json& examined, const Json& needs);

}  // namespace dtbench
