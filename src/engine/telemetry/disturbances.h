// What makes a run's timings worth less than they look, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// Bounds above which a disturbance is told. docs/measurement.md says where they come from.
inline constexpr double kSpreadBound = 1.5;      // p90 / p10 of the steps' times
inline constexpr double kCoreWaitBound = 0.05;   // of the time, waiting for a core
inline constexpr double kThrottledBound = 0.05;  // of the samples

// p90 / p10 of the timed steps' times, or of their times per padded token where that is less: steps
// whose batches differ in length differ in time, undisturbed. 1 with fewer than ten timed steps.
double step_spread(const std::vector<Json>& steps);

// result.json's "disturbances": a list of {"kind", "value", "bound", "message", "remedy"}. From the
// timed lines of steps.jsonl, result.json's "conditions" and its "mfu".
Json disturbances(const std::vector<Json>& steps, const Json& conditions, const Json& mfu);

// All of them as one line for people; "" when there are none.
std::string in_one_line(const Json& disturbances);

}  // namespace dtbench
