#include "analysis/changes.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "analysis/holm.h"
#include "analysis/json_access.h"
#include "analysis/metrics.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr double kAlpha = 0.05;

// A record of one of the sets, whether or not it can be measured.
struct Entry {
  const RunRecord* record;
  const Cell* cell;   // null where the analysis leaves the record out
  std::string state;  // how it ended: "trained", "nonfinite at step 7", "out_of_memory", ...
};

struct CellSet {
  Cells cells;
  std::vector<Entry> entries;  // those with a spec
};

std::string state_of(const Cell& cell) {
  std::string state = text_or(member_or_null(cell.result, "/outcome"), "unknown");
  if (const auto step = cell.first_nonfinite()) state += concat(" at step ", *step);
  return state;
}

CellSet cell_set(const std::vector<RunRecord>& records) {
  CellSet set{cells_of(records), {}};
  std::map<std::filesystem::path, const Cell*> used;
  std::map<std::filesystem::path, const ExcludedCell*> excluded;
  for (const Cell& cell : set.cells.used)
    used.emplace(cell.path, &cell);
  for (const ExcludedCell& cell : set.cells.excluded)
    excluded.emplace(cell.path, &cell);
  for (const RunRecord& record : records) {
    if (record.spec.is_null()) continue;
    if (const auto cell = used.find(record.path); cell != used.end())
      set.entries.push_back({&record, cell->second, state_of(*cell->second)});
    else
      set.entries.push_back({&record, nullptr, to_string(excluded.at(record.path)->why)});
  }
  return set;
}

std::string spec_without(const Entry& entry, std::initializer_list<const char*> names) {
  Json spec = entry.record->spec;
  for (const char* name : names)
    spec.erase(name);
  return json_text(spec);
}

// Finds the entry of the same spec, or the only one whose spec differs in the device alone.
class Partners {
 public:
  explicit Partners(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      same_spec_.emplace(spec_without(entry, {}), &entry);
      other_device_.emplace(spec_without(entry, {"device"}), &entry);
    }
  }

  const Entry* of(const Entry& entry) const {
    if (const auto same = same_spec_.find(spec_without(entry, {})); same != same_spec_.end())
      return same->second;
    const auto [first, last] = other_device_.equal_range(spec_without(entry, {"device"}));
    return std::distance(first, last) == 1 ? first->second : nullptr;
  }

 private:
  std::map<std::string, const Entry*> same_spec_;
  std::multimap<std::string, const Entry*> other_device_;
};

// What the two were not trained alike on: data and initial weights.
Json trained_apart(const Entry& a, const Entry& b) {
  const auto origin = [](const Entry& entry) {
    Json fields = Json::object();
    for (const char* name : {"data_fingerprint", "data_content_fingerprint", "initial_weights_file",
                             "initial_draws_fingerprint", "initial_weights_fingerprint"})
      fields[name] = member_or_null(entry.record->audit, concat("/identity/", name));
    return fields;
  };
  if (a.cell == nullptr || b.cell == nullptr) return Json::array();
  return differences(origin(a), origin(b));
}

Json name_of(const Entry& entry) {
  return {{"path", entry.record->path.string()},
          {"scenario", member_or_null(entry.record->spec, "/scenario")},
          {"policy", member_or_null(entry.record->spec, "/policy/name")},
          {"seed", member_or_null(entry.record->spec, "/seed")},
          {"state", entry.state}};
}

// Pairs that differ in policy or in any setting are different groups.
struct Group {
  std::string scenario, policy;
  std::vector<Pair> pairs;  // cell: after; reference: before
};

using Groups = std::map<std::pair<std::string, std::string>, Group>;

void add_pair(const Entry& before, const Entry& after, Groups& groups) {
  Group& group = groups[{before.cell->scenario + " " + before.cell->policy,
                         spec_without(before, {"device", "seed"})}];
  group.scenario = before.cell->scenario;
  group.policy = before.cell->policy;
  group.pairs.push_back({after.cell, before.cell});
}

Json group_json(const Group& group) {
  const Cell& first = *group.pairs.front().reference;
  Json json = {{"scenario", group.scenario},
               {"policy", group.policy},
               {"preset", member_or_null(first.spec, "/preset")},
               {"steps", member_or_null(first.spec, "/train/steps")},
               {"disturbed_pairs", disturbed_pairs(group.pairs)},
               {"seeds", Json::array()},
               {"metrics", Json::object()}};
  for (const Pair& pair : group.pairs)
    json["seeds"].push_back(pair.cell->seed);
  for (const Metric& metric : kMetrics) {
    const PairedMetric paired = paired_metric(group.pairs, metric.pointer, metric.effect);
    if (paired.values.empty()) continue;
    Json one = to_json(paired);
    for (Json& value : one["by_seed"]) {
      value["before"] = value["reference"];
      value["after"] = value["value"];
      value.erase("reference");
      value.erase("value");
    }
    const MeanEstimate estimate(paired.effects());
    one["p"] = estimate.n() < 2
                   ? Json()
                   : Json(std::min(1.0, 2 * std::min(estimate.p_above(0), estimate.p_below(0))));
    one["p_holm"] = nullptr;
    one["changed"] = nullptr;
    json["metrics"][metric.name] = std::move(one);
  }
  return json;
}

// Holm over every test of the comparison: with a hundred of them, five would "change" by chance.
std::size_t judge(Json& groups) {
  std::vector<Json*> tests;
  std::vector<double> p_values;
  for (Json& group : groups)
    for (auto& [name, metric] : group["metrics"].items())
      if (!metric.at("p").is_null()) {
        tests.push_back(&metric);
        p_values.push_back(metric.at("p").get<double>());
      }
  const std::vector<double> adjusted = holm(p_values);
  for (std::size_t i = 0; i < tests.size(); ++i) {
    (*tests[i])["p_holm"] = adjusted[i];
    (*tests[i])["changed"] = adjusted[i] <= kAlpha;
  }
  return tests.size();
}

Json set_json(const std::vector<RunRecord>& records, const CellSet& set) {
  Json excluded = Json::object();
  for (const ExcludedCell& cell : set.cells.excluded)
    excluded[to_string(cell.why)] = excluded.value(to_string(cell.why), 0) + 1;
  Json list = Json::array();
  for (const ExcludedCell& cell : set.cells.excluded)
    list.push_back(
        {{"path", cell.path.string()}, {"why", to_string(cell.why)}, {"reason", cell.reason}});
  return {{"read", records.size()},
          {"used", set.cells.used.size()},
          {"excluded", excluded},
          {"left_out", list}};
}

// Fields of the identities that differ, each with how many pairs it differs in.
void count_differences(const Entry& before, const Entry& after, std::map<Json, int>& counts) {
  for (Json& each : differences(before.cell->identity, after.cell->identity))
    ++counts[std::move(each)];
}

}  // namespace

Json changes(const std::vector<RunRecord>& before, const std::vector<RunRecord>& after) {
  const CellSet a = cell_set(before), b = cell_set(after);
  Json json = {{"schema_version", 1},
               {"alpha", kAlpha},
               {"before", set_json(before, a)},
               {"after", set_json(after, b)},
               {"pairs", 0},
               {"states", Json::array()},
               {"refused", Json::array()},
               {"only_before", Json::array()},
               {"only_after", Json::array()},
               {"differing", Json::array()},
               {"groups", Json::array()}};
  const Partners partners(b.entries);
  Groups groups;
  std::map<Json, int> differing;
  std::set<const Entry*> taken;
  for (const Entry& entry : a.entries) {
    const Entry* partner = partners.of(entry);
    if (partner == nullptr) {
      json["only_before"].push_back(name_of(entry));
      continue;
    }
    taken.insert(partner);
    Json apart = trained_apart(entry, *partner);
    if (!apart.empty()) {
      Json one = name_of(entry);
      one["differing"] = std::move(apart);
      json["refused"].push_back(std::move(one));
      continue;
    }
    if (entry.state != partner->state) {
      Json one = name_of(entry);
      one["before"] = entry.state;
      one["after"] = partner->state;
      one.erase("state");
      json["states"].push_back(std::move(one));
    }
    if (entry.cell == nullptr || partner->cell == nullptr) continue;
    json["pairs"] = json["pairs"].get<int>() + 1;
    count_differences(entry, *partner, differing);
    add_pair(entry, *partner, groups);
  }
  for (const Entry& entry : b.entries)
    if (!taken.contains(&entry)) json["only_after"].push_back(name_of(entry));
  for (const auto& [each, count] : differing)
    json["differing"].push_back({{"field", each.at("field")},
                                 {"before", each.at("here")},
                                 {"after", each.at("there")},
                                 {"pairs", count}});
  for (const auto& [key, group] : groups)
    json["groups"].push_back(group_json(group));
  json["tests"] = judge(json["groups"]);
  return json;
}

}  // namespace dtbench
