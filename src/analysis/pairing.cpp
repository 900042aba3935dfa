#include "analysis/pairing.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <tuple>

#include "analysis/json_access.h"
#include "base/text.h"

namespace dtbench {
namespace {

// What of a cell's identity its seed decides.
constexpr std::string_view kStoredWeights = "initial_weights_fingerprint";
constexpr std::array<std::string_view, 2> kSeedsOwn = {"initial_draws_fingerprint", kStoredWeights};

// One fingerprint is taken of the weights as stored, so it compares only between policies that
// store them in one datatype and move them alike. Elsewhere the fingerprint of the fp32 draws and
// the file they were loaded from, which have to agree, decide the weights.
bool weights_compare(const Cell& a, const Cell& b) {
  for (const char* field : {"/policy/parameters", "/policy/perturb_initial_ulp"})
    if (member_or_null(a.spec, field) != member_or_null(b.spec, field)) return false;
  return true;
}

// What stands in the way of pairing the two, which have one scenario and one seed.
Json obstacles(const Cell& cell, const Cell& reference) {
  Json list = differences(as_json(setting_of(cell.spec, cell.identity)),
                          as_json(setting_of(reference.spec, reference.identity)));
  for (const std::string_view field : kSeedsOwn) {
    if (field == kStoredWeights && !weights_compare(cell, reference)) continue;
    const Json here = cell.identity.value(field, Json());
    const Json there = reference.identity.value(field, Json());
    if (here != there)
      list.push_back({{"field", concat("identity.", field)}, {"here", here}, {"there", there}});
  }
  return list;
}

class Pairer {
 public:
  Pairing pair(const std::vector<Cell>& cells) {
    for (const Cell& cell : cells)
      if (cell.policy == kReferencePolicy) add_reference(cell);
    for (const Cell& cell : cells)
      if (cell.policy != kReferencePolicy) add(cell);
    Pairing result;
    for (auto& [key, setting] : settings_) {
      by_seed(setting.references, [](const Cell* cell) { return cell->seed; });
      for (auto& [policy, trials] : policies_[key]) {
        by_seed(trials.pairs, [](const Pair& pair) { return pair.cell->seed; });
        setting.policies.push_back(std::move(trials));
      }
      result.settings.push_back(std::move(setting));
    }
    result.unpaired = std::move(unpaired_);
    return result;
  }

 private:
  using Key = std::pair<std::string, std::string>;  // scenario, setting as text

  template <typename List, typename Seed>
  static void by_seed(List& list, Seed seed) {
    std::sort(list.begin(), list.end(),
              [&](const auto& a, const auto& b) { return seed(a) < seed(b); });
  }

  static Key key_of(const Cell& cell, const CellSetting& setting) {
    return {cell.scenario, canonical_json(as_json(setting))};
  }

  void add_reference(const Cell& cell) {
    const CellSetting setting = setting_of(cell.spec, cell.identity);
    SettingTrials& trials = settings_[key_of(cell, setting)];
    trials.scenario = cell.scenario;
    trials.setting = setting;
    trials.references.push_back(&cell);
    candidates_[{cell.scenario, cell.seed}].push_back(&cell);
  }

  void add(const Cell& cell) {
    Unpaired nearest{&cell, nullptr, Json::array()};
    for (const Cell* candidate : candidates_[{cell.scenario, cell.seed}]) {
      Json list = obstacles(cell, *candidate);
      if (list.empty()) return add_pair({&cell, candidate});
      if (nearest.nearest == nullptr || list.size() < nearest.differing.size())
        nearest = {&cell, candidate, std::move(list)};
    }
    unpaired_.push_back(std::move(nearest));
  }

  // Policies of one name that differ in a field are different policies.
  void add_pair(const Pair& pair) {
    const Json& fields = pair.cell->spec.at("policy");
    Trials& trials = policies_[key_of(*pair.cell, setting_of(pair.cell->spec, pair.cell->identity))]
                              [{pair.cell->policy, canonical_json(fields)}];
    trials.policy = pair.cell->policy;
    trials.policy_fields = fields;
    trials.pairs.push_back(pair);
  }

  std::map<Key, SettingTrials> settings_;
  std::map<Key, std::map<Key, Trials>> policies_;  // inner: name, fields as text
  std::map<std::pair<std::string, std::int64_t>, std::vector<const Cell*>> candidates_;
  std::vector<Unpaired> unpaired_;
};

}  // namespace

Json as_json(const CellSetting& setting) {
  return {{"spec", setting.spec}, {"identity", setting.identity}};
}

CellSetting setting_of(const Json& spec, const Json& identity) {
  CellSetting setting{spec, identity};
  if (spec.is_object())
    for (const char* field : {"policy", "seed"})
      setting.spec.erase(field);
  if (identity.is_object())
    for (const std::string_view field : kSeedsOwn)
      setting.identity.erase(field);
  return setting;
}

Pairing pair_with_reference(const std::vector<Cell>& cells) {
  return Pairer().pair(cells);
}

}  // namespace dtbench
