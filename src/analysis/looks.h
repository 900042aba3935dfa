// The planned looks at a hypothesis: when it is judged, at which level, and what comes of it.
//
// The file fixes the number of seeds (sessions). Before they are all there the verdict is
// `undecided (interim)`, however clear it looks. With several looks each has its share of alpha
// (Bonferroni), and the first that decides is the answer: seeds that come later do not change it.
#pragma once

#include <string>
#include <vector>

#include "analysis/finding.h"

namespace dtbench {

enum class Verdict {
  kSupported,
  kUncontrolled,  // supported, and a control that could object was not run
  kRefuted,
  kUndecided,
  kInterim,
  kConfounded,
  kNotTestable,
};

const char* to_string(Verdict value);  // "supported", "supported (uncontrolled)", ...

// One finding a look, in their order; one alone where it cannot be tested.
std::vector<Finding> findings_of(const Variant& variant, const Evidence& evidence);

struct Judged {
  Finding finding;      // of the look that decides, or the last
  double alpha = 0;     // of its interval, after looks and family are accounted for
  Interval interval{};  // the one that is printed: the verdict is where it lies to the threshold
  Verdict verdict = Verdict::kNotTestable;  // before controls are heard
};

// `alpha`: of the hypothesis, all its looks together.
Judged judge(const std::vector<Finding>& looks, double alpha);

bool decides(const std::vector<Finding>& looks, double alpha);

// The smallest alpha, of all looks together, at which it decides; 1 where none does.
double p_value(const std::vector<Finding>& looks);

}  // namespace dtbench
