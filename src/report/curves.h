// Curves over training steps, thinned for drawing without hiding anything: of each stretch of steps
// the smallest and the largest value stay, and the first and the last step, and every step at which
// the curve stops or begins to be finite.
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/validation_curve.h"
#include "base/json.h"

namespace dtbench {

inline constexpr std::size_t kStretches =
    100;  // a curve of at most twice as many steps stays whole

// Which of the values stay, ascending.
std::vector<std::size_t> thinned(const std::vector<double>& values);

// {"step", "value"}: the thinned curve, values with five digits; null where no value is a number.
Json curve_json(const std::vector<double>& values);

// {"step", "value"}: the steps at which the value differs from the step before; null as above.
Json changes_json(const std::vector<double>& values);

// {"step", "seconds", "loss"}: every point; null without any.
Json validation_json(const ValidationCurve& curve);

// The mean over curves at each step, over those that are finite there; NaN where none is.
std::vector<double> mean_curve(const std::vector<const std::vector<double>*>& curves);

// `here` minus `there` by step, as far as both go; NaN where either is not finite.
std::vector<double> difference_curve(const std::vector<double>& here,
                                     const std::vector<double>& there);

// {"n", "step", "low", "high"}: in both directions, the largest magnitude that any of the curves
// has had up to each step. Null for none.
Json envelope_json(const std::vector<const std::vector<double>*>& curves);

// {"n", "step", "low", "high"}: the range of the curves, of each stretch the widest. Null for fewer
// than two curves.
Json band_json(const std::vector<const std::vector<double>*>& curves);

}  // namespace dtbench
