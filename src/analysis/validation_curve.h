// A run's validation losses against the time that training took to get there. Where a spec asks for
// evaluations along the way they are the curve; elsewhere the validation points that every run
// evaluates (docs/analysis.md, "Time and dollars to a target loss").
#pragma once

#include <cstdint>
#include <vector>

#include "base/json.h"
#include "record/step_columns.h"

namespace dtbench {

struct ValidationPoint {
  std::int64_t step;  // that many had been trained
  double loss;        // nats; may be NaN or infinite
  double seconds;     // sum of step_ms of those steps; NaN where one is not recorded
};

struct ValidationCurve {
  enum class Of { kEvaluations, kPoints };
  Of of = Of::kPoints;
  std::vector<ValidationPoint> points;  // by ascending step, each once

  // Whether there is a loss between the first step and the last.
  bool has_way(std::int64_t steps) const;
};

const char* to_string(ValidationCurve::Of value);  // "evaluations", "points"

// `spec`: of spec.json; `events`: the lines of events.jsonl. A resumed run may have evaluated a
// step twice, to the same loss: the last line counts.
ValidationCurve validation_curve(const Json& spec, const std::vector<Json>& events,
                                 const StepColumns& steps);

}  // namespace dtbench
