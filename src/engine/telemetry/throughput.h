// Throughput from a run's recorded steps: a pure function of steps.jsonl, so a resumed run counts
// the steps of all its processes.
#pragma once

#include <vector>

#include "base/json.h"
#include "engine/telemetry/peaks.h"

namespace dtbench {

// result.json's "throughput": rates over the timed steps (without each process's first ones), and
// p10, median and p90 of their times. Null rates when no step was timed.
Json throughput(const std::vector<Json>& steps);

// result.json's "mfu": FLOPs of a step by both rules (means over timed steps), the rate achieved by
// the rule "needed", and its shares of the peaks. Null where a peak is not known or no step was
// timed.
Json mfu(const std::vector<Json>& steps, const Peaks& peaks);

// The value below which a share q of the sorted values lies, linearly interpolated between order
// statistics (Hyndman and Fan 1996, type 7; NumPy's default). Values must not be empty.
double quantile(std::vector<double> values, double q);

}  // namespace dtbench
