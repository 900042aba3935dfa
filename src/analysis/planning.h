// What a plan can decide, before there is data.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/hypothesis.h"

namespace dtbench {

// Whether at `n` seeds (sessions) and this alpha the best possible outcome would support the claim
// and the worst refute it.
bool can_decide(const Hypothesis& hypothesis, std::int64_t n, double alpha);

// The smallest such n; 0 where there is none up to 100.
std::int64_t fewest_that_can_decide(const Hypothesis& hypothesis, double alpha);

// A claim of several parts that all have to hold: each a mean of n paired differences at distance
// `distance` from its bound, of spread `sd`. Parts of one block (a scenario) are compared with the
// same reference cells, which bring half of each difference's variance; `sign` is -1 for a part
// whose claim is the opposite (inferior where others are not inferior).
struct PlannedPart {
  std::uint32_t block;
  int sign;
};
struct JointPlan {
  std::vector<PlannedPart> parts;
  double sd = 0, distance = 0;
  double alpha = 0;  // two-sided, of each part
};

// The probability that all parts lie on their side of the bound, by Student's t. Simulated from
// counter-based normal draws: the same plan has the same power everywhere. Within 0.03 of the
// truth.
double joint_power(const JointPlan& plan, std::int64_t n);

// The smallest n whose joint power reaches `power`; 0 where none up to 1,000 does.
std::int64_t joint_seeds(const JointPlan& plan, double power);

// That of a non_inferiority hypothesis as planned: no loss where none is claimed, and twice the
// threshold where it is.
JointPlan joint_plan(const Hypothesis& hypothesis, double alpha);

}  // namespace dtbench
