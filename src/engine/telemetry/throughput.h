// Throughput from a run's recorded steps: a pure function of steps.jsonl, so a resumed run counts
// the steps of all its processes.
#pragma once

#include <vector>

#include "base/json.h"

namespace dtbench {

// result.json's "throughput": rates over the timed steps (without each process's first ones), and
// p10, median and p90 of their times. Null rates when no step was timed.
Json throughput(const std::vector<Json>& steps);

// result.json's "mfu": FLOPs of a step by both rules (means over timed steps) and the rate
// achieved. Peaks stay null until a device's peak is known.
Json mfu(const std::vector<Json>& steps);

// The value below which a share q of the sorted values lies, linearly interpolated between order
// statistics (Hyndman and Fan 1996, type 7; NumPy's default). Values must not be empty.
double quantile(std::vector<double> values, double q);

}  // namespace dtbench
