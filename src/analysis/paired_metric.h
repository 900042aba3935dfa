// One measured number of each pair, as a difference or a ratio to the reference.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/mean_estimate.h"
#include "analysis/pairing.h"

namespace dtbench {

inline constexpr double kLevel = 0.95;  // of all reported intervals

struct PairedValue {
  std::int64_t seed;
  double value, reference;
  double effect;  // value - reference, or log(value / reference)
};

enum class Effect { kDifference, kLogRatio };

struct PairedMetric {
  Effect effect;
  std::vector<PairedValue> values;
  std::int64_t left_out = 0;  // pairs in which one of the two did not come to its last step, or
                              // has no such number, or (ratios) none above 0

  std::vector<double> effects() const;
};

// `pointer`: where the number stands in result.json.
PairedMetric paired_metric(const std::vector<Pair>& pairs, const char* pointer, Effect effect);

// Whether a result.json calls its timings disturbed (docs/measurement.md).
bool is_disturbed(const Json& result);
// Pairs of which a record does.
std::int64_t disturbed_pairs(const std::vector<Pair>& pairs);

// {"n", "mean" and "sd" (differences) or "ratio" and "log_sd" (ratios: exp of the mean log-ratio),
// "low", "high", "level", "method"}; null where there are too few values.
Json summary(const std::vector<double>& effects, Effect effect);
// The summary with "left_out" and "by_seed": [{"seed", "value", "reference"}].
Json to_json(const PairedMetric& metric);

}  // namespace dtbench
