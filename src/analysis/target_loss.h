// Time and dollars to a target: how soon a policy's validation loss is at or below the one that
// `fp32_true` of the same scenario and seed ends at. The rule: docs/analysis.md, "Time and dollars
// to a target loss"; the idea of a fixed quality as the end of the clock is MLPerf's
// (arXiv 1910.01500).
#pragma once

#include <optional>

#include "analysis/loss_curves.h"
#include "analysis/pairing.h"

namespace dtbench {

// The first loss at or below the target, of those after at least one step. It was reached after
// `previous`, the one before, and at the latest here: nothing is interpolated.
struct Crossing {
  ValidationPoint at, previous;
};
std::optional<Crossing> first_at_or_below(const ValidationCurve& curve, double target);

// What a reference sets for the pairs of its seed, or why it sets nothing.
struct Target {
  enum class Missing {
    kNone,
    kNotFinite,    // the reference did not come to its last step, or met a non-finite value
    kNoPoints,     // no loss is recorded along the way (older records, runs of at most 25 steps)
    kNotImproved,  // it ends no lower than it began
  };
  Missing missing = Missing::kNone;
  double loss = 0;    // the reference's last
  Crossing crossing;  // the reference's own: the last step, or before where it rose again
};
const char* to_string(Target::Missing value);  // "", "not_finite", "no_points", "not_improved"

Target target_of(const Cell& reference, const ValidationCurve& curve);

// Of references, and of a policy's pairs. The fields: docs/analysis.md, "The JSON".
Json targets(const std::vector<const Cell*>& references, LossCurves& curves);
Json to_target(const std::vector<Pair>& pairs, LossCurves& curves);

}  // namespace dtbench
