// The records that a hypothesis asks for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "analysis/hypothesis.h"
#include "analysis/pairing.h"

namespace dtbench {

// The contrast, or the contrast with a control in place.
struct Variant {
  std::string policy;
  Json where = Json::object();  // on top of the pair's
};

// The pairs of one policy on one scenario, all under one setting; or why there are none.
struct Arm {
  std::string scenario;
  const SettingTrials* setting = nullptr;
  const Trials* trials = nullptr;
  std::string problem;  // empty where there are pairs
  bool absent = false;  // the problem is that there are none

  std::map<std::int64_t, Pair> by_seed() const;  // empty where there is a problem
};

class Evidence {
 public:
  Evidence(const Hypothesis& hypothesis, const Pairing& pairing, const Cells& cells)
      : hypothesis_(hypothesis), pairing_(pairing), cells_(cells) {}

  const Hypothesis& hypothesis() const { return hypothesis_; }
  const Cells& cells() const { return cells_; }

  // What cells have to hold: the hypothesis' `where`, the pair's and the variant's, merged.
  Json where(const ScenarioPair& pair, const Variant& variant) const;

  // Whether a spec is of the scenario, holds what `where` says of it, and has the device asked for.
  bool fits(const Json& spec, const std::string& scenario, const Json& where) const;

  // More than one setting that fits is a problem, not a choice: the problem names what differs.
  Arm arm(const std::string& scenario, const std::string& policy, const Json& where) const;

  // The first `look` seeds of the plan.
  std::vector<std::int64_t> planned_seeds(std::int64_t look) const;

  std::string nothing_fits(const std::string& scenario, const std::string& policy,
                           const Json& where) const;

 private:
  bool any_planned(const Trials& trials) const;

  const Hypothesis& hypothesis_;
  const Pairing& pairing_;
  const Cells& cells_;
};

// What stands in the way of judging the arms together: a problem of one of them, or a program,
// torch, device, preset, number of steps, or a policy's field that differs. `axis`: pointer into
// the spec to a field in which arms of one scenario may differ. Empty where nothing does.
std::string obstacle(const std::vector<Arm>& arms, const char* axis = nullptr);

bool any_synthetic(const std::vector<Arm>& arms);

// "seed 9 on C (fp16_naive)" of the planned seeds that an arm lacks; counts those that no arm
// lacks.
class Completeness {
 public:
  explicit Completeness(const std::vector<std::int64_t>& planned);
  void lacks(std::int64_t seed, const std::string& scenario, const std::string& policy);
  std::int64_t done() const;
  std::string missing() const;  // the first few, and how many in all; empty without any

 private:
  std::map<std::int64_t, bool> whole_;
  std::vector<std::string> list_;
};

// The differences() of two policies' fields, named "policy.FIELD".
Json policy_differences(const Json& here, const Json& there);

// That two policies of one name differ, and so are not judged together; empty where they do not.
std::string different_policies(const std::string& name, const Json& here, const Json& there);

// Members of a differences() list in words: "train.steps (3 and 4)".
std::string in_words(const Json& differing);

}  // namespace dtbench
