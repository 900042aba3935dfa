// What the data say to a hypothesis, before controls and other hypotheses are heard.
#pragma once

#include <cstdint>
#include <string>

#include "analysis/evidence.h"

namespace dtbench {

struct Finding {
  std::string not_testable;  // why, in words; empty where it can be tested
  std::int64_t seeds = 0;    // the fewest of any arm
  bool synthetic = false;    // some of the data is generated
  // Two-sided p-values of what the claim denies, and of what it says: small ones support it, and
  // refute it. They are to be compared with alpha.
  double p_supports = 1, p_refutes = 1;
  // Seeds in all that would decide at the level given, if what was seen stays as it is: for means
  // with a power of 0.8. 0 where that cannot be said, or is more than kMostSeeds.
  std::int64_t seeds_needed = 0;
  Json evidence = Json::object();  // docs/analysis.md
};

inline constexpr std::int64_t kMostSeeds = 1000;
inline constexpr double kPower = 0.8;

// One a kind of estimand; `alpha` is the level that seeds_needed is for.
Finding survival_finding(const Hypothesis& hypothesis, const Variant& variant,
                         const Pairing& pairing, double alpha);
Finding speedup_finding(const Hypothesis& hypothesis, const Variant& variant,
                        const Pairing& pairing, double alpha);
Finding non_inferiority_finding(const Hypothesis& hypothesis, const Variant& variant,
                                const Pairing& pairing, double alpha);

inline Finding cannot_test(const std::string& why) {
  Finding finding;
  finding.not_testable = why;
  return finding;
}

inline Finding finding(const Hypothesis& hypothesis, const Variant& variant, const Pairing& pairing,
                       double alpha) {
  switch (hypothesis.estimand) {
    case Estimand::kSurvival:
      return survival_finding(hypothesis, variant, pairing, alpha);
    case Estimand::kSpeedup:
      return speedup_finding(hypothesis, variant, pairing, alpha);
    case Estimand::kNonInferiority:
      break;
  }
  return non_inferiority_finding(hypothesis, variant, pairing, alpha);
}

}  // namespace dtbench
