// What the data say to a hypothesis at one look, before controls and other hypotheses are heard.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/claim.h"
#include "analysis/conditions.h"
#include "analysis/evidence.h"

namespace dtbench {

struct Finding {
  std::string not_testable;  // why, in words; empty where it can be tested
  std::int64_t look = 0;     // seeds (sessions) that it is for
  std::int64_t done = 0;     // of them, those that are there everywhere
  std::string missing;       // in words, what the look lacks; empty where it is complete
  bool synthetic = false;    // some of the data is generated
  double threshold = 0;      // in the parts' unit
  std::vector<Part> parts;
  Json evidence = Json::object();  // docs/analysis.md
  std::vector<std::string> caveats;
  Conditions conditions;

  // How each seed of a pair's `worse` scenario fared, between bounds: what a control is held
  // against (kStableRate: log2 of the rate; kSurvival: 0 or 1). By the part's name.
  std::map<std::string, std::map<std::int64_t, Interval>> worse;

  bool complete() const { return not_testable.empty() && missing.empty(); }
};

// One a kind of estimand, with the first `look` seeds (sessions) of the plan.
Finding stable_rate_finding(const Variant& variant, const Evidence& evidence, std::int64_t look);
Finding survival_finding(const Variant& variant, const Evidence& evidence, std::int64_t look);
Finding speedup_finding(const Variant& variant, const Evidence& evidence, std::int64_t look);
Finding non_inferiority_finding(const Variant& variant, const Evidence& evidence,
                                std::int64_t look);

inline Finding cannot_test(const std::string& why) {
  Finding finding;
  finding.not_testable = why;
  return finding;
}

inline Finding find(const Variant& variant, const Evidence& evidence, std::int64_t look) {
  Finding finding = [&] {
    switch (evidence.hypothesis().estimand) {
      case Estimand::kStableRate:
        return stable_rate_finding(variant, evidence, look);
      case Estimand::kSurvival:
        return survival_finding(variant, evidence, look);
      case Estimand::kSpeedup:
        return speedup_finding(variant, evidence, look);
      case Estimand::kNonInferiority:
        break;
    }
    return non_inferiority_finding(variant, evidence, look);
  }();
  finding.look = look;
  return finding;
}

}  // namespace dtbench
