// Cells paired by seed with `fp32_true`. A pair differs in the policy and in nothing else: not in
// the spec, the data, the initial weights, the program, torch or the device.
#pragma once

#include <string>
#include <vector>

#include "analysis/cells.h"
#include "config/study_policies.h"

namespace dtbench {

// What pairs have in common: everything of a cell but its policy and its seed.
struct CellSetting {
  Json spec;      // without policy and seed
  Json identity;  // of audit.json, without the initial weights' fingerprints: the seed decides them
};
CellSetting setting_of(const Json& spec, const Json& identity);  // either may be null
Json as_json(const CellSetting& setting);                        // {"spec", "identity"}

struct Pair {
  const Cell* cell;
  const Cell* reference;
};

// The pairs of one policy under one setting, by ascending seed.
struct Trials {
  std::string policy;
  Json policy_fields;
  std::vector<Pair> pairs;
};

struct SettingTrials {
  std::string scenario;
  CellSetting setting;
  std::vector<const Cell*> references;  // by ascending seed
  std::vector<Trials> policies;         // by name

  bool synthetic() const { return references.front()->synthetic(); }
};

// A cell without a partner. `nearest` is the fp32_true cell of its scenario and seed that differs
// least, null where there is none; `differing` (json_access.h) says in what.
struct Unpaired {
  const Cell* cell;
  const Cell* nearest;
  Json differing;
};

struct Pairing {
  std::vector<SettingTrials> settings;  // by scenario
  std::vector<Unpaired> unpaired;
};

// Keeps pointers into `cells`.
Pairing pair_with_reference(const std::vector<Cell>& cells);

}  // namespace dtbench
