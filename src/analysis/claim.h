// What a claim compares, and the one interval that its verdict follows from.
//
// A claim holds if each of its parts does, so what is estimated is the smallest part. Its interval
// of level 1 - alpha goes from the lowest of the parts' lower ends at alpha (whichever part is the
// smallest, its own interval ends there or above: intersection-union, Berger 1982) to the lowest of
// their upper ends at alpha over the number of parts (Bonferroni). With one part it is that part's.
// Supported, refuted and undecided are where it lies to the threshold: they exclude each other.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/interval.h"
#include "base/json.h"

namespace dtbench {

// One comparison, signed so that larger supports the claim.
struct Part {
  std::string name;
  std::function<Interval(double alpha)> interval;  // two-sided, of level 1 - alpha; may be endless
  std::optional<double> estimate;
  std::optional<double> sd;        // of its values, where it is a mean
  Json evidence = Json::object();  // docs/analysis.md
};

enum class Side { kAbove, kBelow, kAcross };

Side side_of(const Interval& interval, double threshold);
const char* to_string(Side value);  // "above", "below", "across"

// The smallest part's interval; without parts an endless one.
Interval smallest(const std::vector<Part>& parts, double alpha);

// The smallest alpha at which the smallest part's interval leaves the threshold out; 1 where none
// does. Not below 1e-9.
double p_value(const std::vector<Part>& parts, double threshold);

// Whether one part lies above the threshold and another below it, each by its own interval.
bool disagree(const std::vector<Part>& parts, double threshold, double alpha);

}  // namespace dtbench
