#include "analysis/rates.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "analysis/json_access.h"
#include "analysis/pairing.h"
#include "analysis/stable_rate.h"

namespace dtbench {
namespace {

constexpr const char* kRate = "/train/learning_rate";

using AtRates = std::map<double, const Cell*>;

struct PolicyRates {
  std::map<std::int64_t, AtRates> seeds;
};

struct RateGroup {
  const Cell* first;
  std::set<double> rates;
  std::map<std::string, PolicyRates> policies;  // by name, fp32_true first where it sorts so
};

// The setting without its rate; policies of one name and other fields are another group's.
std::string key_of(const Cell& cell) {
  Json setting = as_json(setting_of(cell.spec, cell.identity));
  setting["spec"][Json::json_pointer(kRate)] = nullptr;
  return cell.scenario + canonical_json(setting);
}

Json map_json(const PolicyRates& policy, const std::set<double>& rates) {
  Json map = Json::array();
  for (const double rate : rates) {
    std::int64_t n = 0, finite = 0, trained = 0, measured = 0;
    double loss = 0;
    for (const auto& [seed, cells] : policy.seeds) {
      const auto cell = cells.find(rate);
      if (cell == cells.end()) continue;
      ++n;
      finite += cell->second->finite() ? 1 : 0;
      trained += cell->second->trained() ? 1 : 0;
      const auto value = cell->second->measured("/convergence/val_loss");
      if (!cell->second->finite() || !value || !std::isfinite(*value)) continue;
      loss += *value;
      ++measured;
    }
    map.push_back(
        {{"rate", rate},
         {"n", n},
         {"finite", finite},
         {"trained", trained},
         {"val_loss", measured > 0 ? Json(loss / static_cast<double>(measured)) : Json()}});
  }
  return map;
}

// The seed's cells at all rates; empty where one is missing.
std::vector<const Cell*> whole(const PolicyRates& policy, std::int64_t seed,
                               const std::set<double>& rates) {
  std::vector<const Cell*> cells;
  const auto found = policy.seeds.find(seed);
  if (found != policy.seeds.end() && found->second.size() == rates.size())
    for (const auto& [rate, cell] : found->second)
      cells.push_back(cell);
  return cells;
}

Json seeds_json(const RateGroup& group, const PolicyRates& policy) {
  const std::vector<double> grid(group.rates.begin(), group.rates.end());
  const auto reference = group.policies.find(kReferencePolicy);
  Json list = Json::array();
  for (const auto& [seed, at_rates] : policy.seeds) {
    const std::vector<const Cell*> cells = whole(policy, seed, group.rates);
    if (cells.empty()) continue;
    const LargestStableRate found = largest_stable_rate(cells);
    Json json = {{"seed", seed},
                 {"largest_stable_rate", number_or_null(rate_of(found, grid))},
                 {"censored", censoring(found)},
                 {"sensitivity", number_or_null(rate_sensitivity(cells))},
                 {"log2_over_reference", nullptr}};
    if (reference != group.policies.end()) {
      const auto others = whole(reference->second, seed, group.rates);
      const auto here = rate_of(found, grid);
      const auto there = others.empty() ? std::nullopt : rate_of(largest_stable_rate(others), grid);
      if (here && there) json["log2_over_reference"] = std::log2(*here / *there);
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json to_json(const RateGroup& group) {
  const Json& spec = group.first->spec;
  Json json = {{"scenario", group.first->scenario},
               {"preset", member_or_null(spec, "/preset")},
               {"steps", member_or_null(spec, "/train/steps")},
               {"device", member_or_null(spec, "/device")},
               {"bce_reduction", member_or_null(spec, "/train/bce_reduction")},
               {"batch", member_or_null(spec, "/train/batch")},
               {"length", member_or_null(spec, "/data/length")},
               {"rates", group.rates},
               {"policies", Json::array()}};
  for (const auto& [name, policy] : group.policies)
    json["policies"].push_back({{"policy", name},
                                {"map", map_json(policy, group.rates)},
                                {"by_seed", seeds_json(group, policy)}});
  return json;
}

}  // namespace

Json rates(const std::vector<Cell>& cells) {
  std::map<std::string, RateGroup> groups;
  std::map<std::string, std::string> fields;  // of each group's policy: those that came first
  for (const Cell& cell : cells) {
    const auto rate = number_or_none(member_or_null(cell.spec, kRate));
    if (!rate) continue;
    std::string key = key_of(cell);
    const std::string policy = canonical_json(cell.spec.at("policy"));
    if (fields.emplace(key + cell.policy, policy).first->second != policy) key += policy;
    RateGroup& group = groups.try_emplace(key, RateGroup{&cell, {}, {}}).first->second;
    group.rates.insert(*rate);
    group.policies[cell.policy].seeds[cell.seed][*rate] = &cell;
  }
  Json list = Json::array();
  for (const auto& [key, group] : groups)
    if (group.rates.size() > 1) list.push_back(to_json(group));
  return list;
}

}  // namespace dtbench
