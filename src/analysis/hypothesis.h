// Hypotheses as data, written before the runs: configs/hypotheses/<name>.toml. What each key means
// is in docs/analysis.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/enum_names.h"

namespace dtbench {

// What is estimated, and by it what `better` and `worse` mean.
enum class Estimand {
  kStableRate,      // log2 of the largest stable rate over the reference's: `better` minus `worse`
  kSurvival,        // the share of cells with the outcome: `better` minus `worse`
  kSpeedup,         // log speed-up over the reference: `better` minus `worse`
  kNonInferiority,  // average precision minus the reference's: not inferior on `better`, inferior
                    // on `worse`
};
constexpr auto names_of(Estimand) {
  return std::array{EnumName{Estimand::kStableRate, "stable_rate"},
                    EnumName{Estimand::kSurvival, "survival"},
                    EnumName{Estimand::kSpeedup, "speedup"},
                    EnumName{Estimand::kNonInferiority, "non_inferiority"}};
}

// kSurvival: what a cell has to be. Both are reported, one is judged.
enum class SurvivalOutcome {
  kFinite,   // no non-finite value to the last step
  kTrained,  // that, and better than a constant answer
};
constexpr auto names_of(SurvivalOutcome) {
  return std::array{EnumName{SurvivalOutcome::kFinite, "finite"},
                    EnumName{SurvivalOutcome::kTrained, "trained"}};
}

// Two scenarios that are compared seed by seed (session by session). Pairs are strata: each has an
// interval of its own, and the claim is about all of them.
struct ScenarioPair {
  std::string name;  // empty: "E against C"
  std::string better, worse;
  Json where = Json::object();         // on top of the hypothesis' `where`
  bool equal_tokens_per_step = false;  // kSpeedup: batch x length has to be the same on both

  std::string label() const { return name.empty() ? better + " against " + worse : name; }
};

struct Contrast {
  std::vector<std::string> policies;  // the first decides; the others are judged separately
  std::vector<ScenarioPair> pair;
  std::vector<std::string> safe_policies;  // kNonInferiority: not inferior on any scenario
};

// The contrast once more with one thing changed.
struct Control {
  std::string name;
  std::string replaces;             // a policy of the contrast; empty: the first
  std::string policy;               // stands in its place; empty: only `where` changes
  Json where = Json::object();      // on top of the contrast's
  bool confounds = true;            // the opposite answer makes the verdict `confounded`
  std::string if_better, if_worse;  // kStableRate, kSurvival: what it shows if `worse` fares
                                    // better (worse) with it
};

struct Hypothesis {
  std::string name;    // the file's
  std::string sha256;  // of the file; empty where it is none
  std::string title, claim;
  std::string family = "own";  // Holm's adjustment is over the hypotheses of a family
  Estimand estimand = Estimand::kStableRate;
  SurvivalOutcome outcome = SurvivalOutcome::kFinite;
  // The one number that the interval is held against. kStableRate: octaves; kSurvival: difference
  // of shares; kSpeedup: a ratio; kNonInferiority: average precision that may be lost.
  double threshold = 0;
  double reference_lead = 0;  // kNonInferiority: by which the reference has to beat the constant
                              // answer
  double alpha = 0.05;        // two-sided
  // The plan: seeds first_seed, first_seed + 1, ... and no others; kSpeedup: sessions instead.
  std::int64_t first_seed = 0, seeds = 0;
  std::int64_t sessions = 0;
  std::vector<std::int64_t> looks;  // numbers of seeds (sessions) at which it is judged; none: once
  std::vector<std::int64_t> excluded_seeds;  // seen before the plan; the plan may hold none of them
  std::vector<double> rates;                 // kStableRate: the grid, ascending
  double reference_rate = 0;                 // kStableRate: of the grid; survival there is reported
  double planning_sd = 0;  // kNonInferiority: spread of a paired difference that the plan assumes
  std::string device;      // kind of device that can answer ("cuda"); empty: any
  std::string device_reason;  // why no other can
  Contrast contrast;
  Json where = Json::object();  // scenario -> keys of the spec with the value they must have
  std::vector<Control> control;

  std::int64_t planned() const { return estimand == Estimand::kSpeedup ? sessions : seeds; }
  const char* unit() const { return estimand == Estimand::kSpeedup ? "sessions" : "seeds"; }
  std::vector<std::int64_t> planned_looks() const {
    return looks.empty() ? std::vector{planned()} : looks;
  }
  // Comparisons that all have to hold.
  std::size_t parts() const {
    return estimand == Estimand::kNonInferiority
               ? 2 * contrast.pair.size() * (1 + contrast.safe_policies.size())
               : contrast.pair.size();
  }
};

// All scenarios of the contrast, each once.
std::vector<std::string> scenarios_of(const Hypothesis& hypothesis);

// How many of `all` are of the family of `one`.
std::size_t family_size(const std::vector<Hypothesis>& all, const Hypothesis& one);

}  // namespace dtbench
