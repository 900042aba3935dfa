#include "report/matrix_json.h"

#include <algorithm>
#include <set>

#include "analysis/json_access.h"
#include "analysis/pairing.h"
#include "config/study_policies.h"
#include "record/cause.h"
#include "report/curves.h"
#include "report/scenario_title.h"

namespace dtbench {
namespace {

// Mean of what completed cells measured: {"mean", "low", "high" (the range), "n"}; null without
// any.
Json range_of(const std::vector<const ReportCell*>& cells, const char* pointer) {
  double sum = 0, low = 0, high = 0;
  int n = 0;
  for (const ReportCell* cell : cells) {
    if (!cell->completed()) continue;
    const auto value = number_or_none(member_or_null(cell->record->result, pointer));
    if (!value) continue;
    low = n == 0 ? *value : std::min(low, *value);
    high = n == 0 ? *value : std::max(high, *value);
    sum += *value;
    ++n;
  }
  if (n == 0) return nullptr;
  return {{"mean", json_number(sum / n)},
          {"low", json_number(low)},
          {"high", json_number(high)},
          {"n", n}};
}

Json first_nonfinite(const std::vector<const ReportCell*>& cells) {
  Json range;
  for (const ReportCell* cell : cells) {
    const Json step = member_or_null(cell->record->result, "/first_nonfinite/step");
    if (!cell->counts || !step.is_number_integer()) continue;
    if (range.is_null()) range = {step, step};
    range = {std::min(range[0], step), std::max(range[1], step)};
  }
  return range;
}

// Of the first cell that died of something known; "" where nobody has found out.
std::string first_cause(const std::vector<const ReportCell*>& cells) {
  for (const ReportCell* cell : cells)
    if (std::string cause = cause_of(*cell->record); !cause.empty()) return cause;
  return "";
}

// What analyse() says of the policy's pairs, without the values of single seeds: those stand in the
// cells.
void add_comparison(const Json& trials, const Quality& quality, Json& entry) {
  for (const auto& [name, metric] : trials.at("metrics").items()) {
    Json summary = metric;
    summary.erase("by_seed");
    entry["metrics"][name] = summary.at("n") == 0 ? Json() : std::move(summary);
  }
  entry["difference"] = entry["metrics"][quality.metric];
  entry["speed"] = entry["metrics"]["samples_per_s"];
  entry["memory"] = entry["metrics"]["peak_allocated_bytes"];
  entry["disturbed_pairs"] = trials.at("disturbed_pairs");
  entry["stability"] = trials.at("stability");
  entry["divergence"] = trials.at("divergence");
  entry["divergence"].erase("by_seed");
  entry["to_target"] = trials.at("to_target");
  entry["to_target"].erase("by_seed");
}

// The score that people read (accuracy; micro F1 where labels are many) beside the constant
// answer's:
// {"name", "mean", "constant"}; null where one is not recorded.
Json score_json(const std::vector<const ReportCell*>& cells) {
  for (const auto& [name, pointer] : {std::pair{"accuracy", "/convergence/accuracy"},
                                      std::pair{"micro F1", "/convergence/f1_micro"}}) {
    const Json mean = range_of(cells, pointer);
    const Json constant = range_of(cells, (std::string(pointer) + "_constant_predictor").c_str());
    if (!mean.is_null() && !constant.is_null())
      return {{"name", name}, {"mean", mean.at("mean")}, {"constant", constant.at("mean")}};
  }
  return nullptr;
}

Json entry_json(const std::vector<std::size_t>& places, const std::vector<ReportCell>& all,
                const Quality& quality, const Json& setting) {
  std::vector<const ReportCell*> cells;
  Json states = Json::object();
  for (const std::size_t place : places) {
    cells.push_back(&all[place]);
    states[all[place].state] = states.value(all[place].state, 0) + 1;
  }
  Json json = {{"cells", places},
               {"states", states},
               {"first_nonfinite", first_nonfinite(cells)},
               {"cause", first_cause(cells)},
               {"quality", range_of(cells, quality.pointer.c_str())},
               {"samples_per_s", range_of(cells, "/throughput/samples_per_s")},
               {"score", score_json(cells)},
               {"lost_updates", range_of(cells, "/optimizer/lost_weight_update_share")},
               {"skipped_steps", range_of(cells, "/loss_scale/skipped_steps")},
               {"difference", nullptr},
               {"speed", nullptr},
               {"memory", nullptr},
               {"metrics", nullptr},
               {"stability", nullptr},
               {"divergence", nullptr},
               {"to_target", nullptr}};
  if (setting.is_null()) return json;
  if (cells.front()->policy() == kReferencePolicy)
    json["stability"] = setting.at("reference").at("stability");
  if (const Json* trials = trials_of(setting, cells.front()->member("/policy")))
    add_comparison(*trials, quality, json);
  return json;
}

std::vector<const std::vector<double>*> losses_of(const std::vector<std::size_t>& places,
                                                  const std::vector<ReportCell>& cells,
                                                  LossCurves& curves) {
  std::vector<const std::vector<double>*> losses;
  for (const std::size_t place : places)
    if (cells[place].counts) losses.push_back(&curves.of(cells[place].record->path));
  return losses;
}

// Losses minus those of fp32_true with the same seed, by seed.
std::map<Json, std::vector<double>> differences_of(const std::vector<std::size_t>& places,
                                                   const std::vector<std::size_t>& references,
                                                   const std::vector<ReportCell>& cells,
                                                   LossCurves& curves) {
  std::map<Json, std::vector<double>> by_seed;
  for (const std::size_t place : places)
    for (const std::size_t reference : references) {
      const Json seed = cells[place].member("/seed");
      if (!cells[place].counts || !cells[reference].counts || by_seed.contains(seed) ||
          cells[reference].member("/seed") != seed)
        continue;
      by_seed[seed] = difference_curve(curves.of(cells[place].record->path),
                                       curves.of(cells[reference].record->path));
    }
  return by_seed;
}

std::vector<const std::vector<double>*> curves_of(
    const std::map<Json, std::vector<double>>& by_seed) {
  std::vector<const std::vector<double>*> list;
  for (const auto& [seed, curve] : by_seed)
    list.push_back(&curve);
  return list;
}

// Of each policy but fp32_true: the mean over seeds, {"n", "step", "value"}, and "seeds", one each.
Json differences_json(const Row& row, const std::vector<ReportCell>& cells, LossCurves& curves,
                      Json& noise) {
  Json json = Json::object();
  const auto references = row.cells.find(kReferencePolicy);
  if (references == row.cells.end()) return json;
  for (const auto& [column, places] : row.cells) {
    if (column == kReferencePolicy) continue;
    const auto by_seed = differences_of(places, references->second, cells, curves);
    Json mean = curve_json(mean_curve(curves_of(by_seed)));
    if (mean.is_null()) continue;
    mean["n"] = by_seed.size();
    mean["seeds"] = Json::array();
    for (const auto& [seed, curve] : by_seed)
      if (Json one = curve_json(curve); !one.is_null()) {
        one["seed"] = seed;
        mean["seeds"].push_back(std::move(one));
      }
    json[column] = std::move(mean);
    if (column == kNoisePolicy) noise = envelope_json(curves_of(by_seed));
  }
  return json;
}

}  // namespace

const Json* trials_of(const Json& setting, const Json& policy_fields) {
  if (!setting.is_null())
    for (const Json& trials : setting.at("policies"))
      if (trials.at("policy_fields") == policy_fields) return &trials;
  return nullptr;
}

Quality quality_of(const Json& objective) {
  const Task* task = registry<Task>().find(text_or(objective, ""));
  return task != nullptr ? task->quality : Quality{};
}

Json row_json(const Row& row, const std::vector<ReportCell>& cells, const Json& setting,
              LossCurves& curves) {
  const Quality quality = quality_of(member_or_null(row.spec, "/objective"));
  std::vector<const ReportCell*> in_row;
  std::set<Json> seeds;
  Json json = {{"scenario", row.scenario},
               {"label", row.label},
               {"title", scenario_title(member_or_null(row.spec, "/model/architecture"),
                                        member_or_null(row.spec, "/objective"))},
               {"preset", member_or_null(row.spec, "/preset")},
               {"steps", member_or_null(row.spec, "/train/steps")},
               {"device", member_or_null(row.identity, "/device")},
               {"synthetic", member_or_null(row.spec, "/data/source") == "synthetic"},
               {"quality",
                {{"metric", quality.metric},
                 {"name", quality.name},
                 {"higher_is_better", quality.higher_is_better},
                 {"margin", quality.margin},
                 {"relative", quality.relative}}},
               {"policies", Json::object()},
               {"curves", Json::object()},
               {"band", nullptr},
               {"noise", nullptr}};
  for (const auto& [column, places] : row.cells) {
    json["policies"][column] = entry_json(places, cells, quality, setting);
    const auto losses = losses_of(places, cells, curves);
    Json curve = curve_json(mean_curve(losses));
    if (!curve.is_null()) curve["n"] = losses.size();
    json["curves"][column] = std::move(curve);
    if (column == kReferencePolicy) json["band"] = band_json(losses);
    for (const std::size_t place : places) {
      in_row.push_back(&cells[place]);
      seeds.insert(cells[place].member("/seed"));
    }
  }
  json["differences"] = differences_json(row, cells, curves, json["noise"]);
  json["seeds"] = seeds;
  json["constant"] = range_of(in_row, (quality.pointer + "_constant_predictor").c_str());
  return json;
}

}  // namespace dtbench
