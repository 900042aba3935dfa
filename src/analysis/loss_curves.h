// Losses by step, from steps.jsonl and events.jsonl, and how far two curves lie apart.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "analysis/validation_curve.h"
#include "record/step_columns.h"

namespace dtbench {

struct CurveDistance {
  double max;          // largest absolute difference
  double mean;         // mean absolute difference over the steps
  std::int64_t steps;  // compared: up to the first loss of either that is not finite
};

// None where not one step can be compared.
std::optional<CurveDistance> curve_distance(const std::vector<double>& a,
                                            const std::vector<double>& b);

// Reads each run's steps and events once.
class LossCurves {
 public:
  // Losses of steps 0, 1, ...; NaN for a step whose line lacks its loss.
  const std::vector<double>& of(const std::filesystem::path& run) { return steps_of(run).loss; }
  const StepColumns& steps_of(const std::filesystem::path& run);
  // `spec`: the run's.
  const ValidationCurve& validation_of(const std::filesystem::path& run, const Json& spec);

 private:
  std::map<std::filesystem::path, StepColumns> runs_;
  std::map<std::filesystem::path, ValidationCurve> validation_;
};

}  // namespace dtbench
