// The pairs that a hypothesis asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/hypothesis.h"
#include "analysis/pairing.h"

namespace dtbench {

// The contrast, or the contrast with a control in place.
struct Variant {
  std::string policy;
  Json where;
  bool is_control = false;
};

// The pairs of one policy on one scenario, all under one setting; or why there are none.
struct Arm {
  std::string scenario;
  const SettingTrials* setting = nullptr;
  const std::vector<Pair>* pairs = nullptr;
  std::string problem;  // empty where there are pairs
};

// The arms of a contrast.
struct ContrastArms {
  std::vector<Arm> better, worse;
  std::vector<Arm> all() const;  // better, then worse
};

class Evidence {
 public:
  Evidence(const Hypothesis& hypothesis, const Pairing& pairing)
      : hypothesis_(hypothesis), pairing_(pairing) {}

  // More than one setting that fits is a problem, not a choice: the problem names what differs.
  Arm arm(const std::string& scenario, const std::string& policy, const Json& where) const;
  ContrastArms arms(const Variant& variant) const;

 private:
  bool fits(const SettingTrials& setting, const std::string& scenario, const Json& where) const;
  std::string nothing_fits(const std::string& scenario, const std::string& policy,
                           const Json& where) const;

  const Hypothesis& hypothesis_;
  const Pairing& pairing_;
};

// What stands in the way of judging the arms together: a problem of one of them, or a program,
// torch, device, preset or number of steps that differs. Empty where nothing does.
std::string obstacle(const std::vector<Arm>& arms);

bool any_synthetic(const std::vector<Arm>& arms);  // none with a problem

}  // namespace dtbench
