// Hypotheses as data, written before the runs: configs/hypotheses/<name>.toml. What each key means
// is in docs/analysis.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace dtbench {

// What is estimated, and by it what `better` and `worse` mean.
enum class Estimand {
  kSurvival,        // the share that survives, on `better` minus on `worse`
  kSpeedup,         // log speed-up over the reference, on `better` minus on `worse`
  kNonInferiority,  // average precision minus the reference's: not inferior on `better`, inferior
                    // on `worse`
};

struct Contrast {
  std::vector<std::string> policies;       // the first decides; the others are judged separately
  std::vector<std::string> better, worse;  // scenarios
  bool equal_tokens_per_step = false;      // kSpeedup: batch x length has to be the same on both
  std::vector<std::string> safe_policies;  // kNonInferiority: not inferior on any scenario
};

// The contrast once more with one thing changed.
struct Control {
  std::string name;
  std::string replaces;             // a policy of the contrast; empty: the first
  std::string policy;               // stands in its place; empty: only `where` changes
  Json where = Json::object();      // replaces the contrast's, scenario by scenario
  bool confounds = true;            // the opposite answer makes the verdict `confounded`
  std::string if_better, if_worse;  // kSurvival: what it shows if more (fewer) survive on `worse`
};

struct Hypothesis {
  std::string name;  // the file's
  std::string title, claim;
  std::string family = "own";  // Holm's adjustment is over the hypotheses of a family
  Estimand estimand = Estimand::kSurvival;
  double margin = 0;  // kSurvival: difference of shares below which the claim is refuted; kSpeedup:
                      // ratio to exceed; kNonInferiority: average precision that may be lost
  double reference_lead = 0;  // kNonInferiority: by which the reference has to beat the constant
                              // answer
  double alpha = 0.05;        // two-sided
  std::int64_t minimum_seeds = 5;
  std::string device;         // kind of device that can answer ("cuda"); empty: any
  std::string device_reason;  // why no other can
  Contrast contrast;
  Json where = Json::object();  // scenario -> keys of the spec with the value they must have
  std::vector<Control> control;
};

const char* to_string(Estimand value);  // "survival", "speedup", "non_inferiority"

// Throws Error (usage) for unknown keys, with the nearest, and for values that make no sense.
Hypothesis hypothesis_from_json(const Json& json, const std::string& name,
                                const std::string& origin);

// All files of the folder, by name. Throws also for scenarios and policies that are in no file.
std::vector<Hypothesis> load_hypotheses(const std::filesystem::path& configs);

}  // namespace dtbench
