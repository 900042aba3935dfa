#include "report/report_data.h"

#include <array>

#include "analysis/analyse.h"
#include "analysis/json_access.h"
#include "record/health_text.h"
#include "record/profile_text.h"
#include "report/cell_target.h"
#include "report/curves.h"
#include "report/explanation_data.h"
#include "report/headline.h"
#include "report/health_data.h"
#include "report/matrix_json.h"
#include "report/pool.h"
#include "report/recommendation.h"
#include "report/rows.h"

namespace dtbench {
namespace {

constexpr std::array kCopied = {"status",     "outcome",      "steps_completed", "first_nonfinite",
                                "loss_scale", "optimizer",    "throughput",      "mfu",
                                "conditions", "disturbances", "memory",          "convergence",
                                "started_at", "wall_s",       "price_usd"};

Json steps_json(const StepColumns& steps) {
  Json skipped = Json::array();
  for (std::size_t step = 0; step < steps.skipped.size(); ++step)
    if (steps.skipped[step]) skipped.push_back(step);
  return {{"loss", curve_json(steps.loss)},
          {"grad_norm", curve_json(steps.grad_norm)},
          {"loss_scale", changes_json(steps.loss_scale)},
          {"skipped", skipped}};
}

Json cell_json(const ReportCell& cell, const std::string& column, Pool& pool, LossCurves& curves) {
  const RunRecord& record = *cell.record;
  const Json result = record.result.is_object() ? record.result : Json::object();
  Json json = {
      {"path", record.path.string()},
      {"id", record.path.filename().string()},
      {"scenario", cell.scenario()},
      {"policy", column.empty() ? cell.policy() : column},
      {"preset", cell.member("/preset")},
      {"seed", cell.member("/seed")},
      {"device", cell.member("/device")},
      {"synthetic", cell.member("/data/source") == "synthetic"},
      {"torch", member_or_null(record.audit, "/identity/torch")},
      {"source_revision", member_or_null(record.audit, "/identity/program/source_revision")},
      {"steps", cell.member("/train/steps")},
      {"learning_rate", cell.member("/train/learning_rate")},
      {"batch", cell.member("/train/batch")},
      {"length", cell.member("/data/length")},
      {"bce_reduction", cell.member("/train/bce_reduction")},
      {"state", cell.state},
      {"reason", cell.reason},
      {"counts", cell.counts},
      {"unpaired", cell.unpaired},
      {"row", nullptr},
      {"spec", pool.pooled(record.spec)},
      {"audit", nullptr},
      {"series", nullptr},
      {"target", nullptr},
      {"profile", read_profile(record.path)},
      {"health", health_data(read_health(record.path))},
      {"explanation", explanation_data(record)}};
  for (const char* name : kCopied)
    json["result"][name] = result.value(name, Json());
  if (record.audit.is_object()) {
    Json audit = record.audit;
    const Json identity = pool.pooled(member_or_null(audit, "/identity"));
    audit.erase("identity");
    json["audit"] = pool.pooled(audit);
    json["audit"]["identity"] = identity;
  }
  // Also of cells that do not count: what they left is shown.
  json["series"] = steps_json(curves.steps_of(record.path));
  json["series"]["validation"] = validation_json(curves.validation_of(record.path, record.spec));
  return json;
}

Json setting_of_row(const Row& row, const Json& settings) {
  for (const Json& setting : settings)
    if (setting.at("spec") == row.spec && setting.at("identity") == row.identity) return setting;
  return nullptr;
}

// How many of the cells that count were trained on generated data, and how many on real data.
Json data_counts(const std::vector<ReportCell>& cells) {
  int generated = 0, real = 0;
  for (const ReportCell& cell : cells)
    if (cell.counts) ++(cell.member("/data/source") == "synthetic" ? generated : real);
  return {{"generated", generated}, {"real", real}};
}

// Study's cells for which there is no record at all: [{"scenario", "policy"}], of the scenarios
// that have any.
Json missing(const Json& rows, const std::vector<std::string>& columns) {
  Json list = Json::array();
  for (const Json& row : rows)
    for (const std::string& column : columns)
      if (!row.at("policies").contains(column))
        list.push_back({{"row", row.at("label")}, {"policy", column}});
  return list;
}

}  // namespace

Json report_data(const std::vector<RunRecord>& records, const std::vector<Hypothesis>& hypotheses) {
  LossCurves curves;
  Json json = analyse(records, hypotheses, curves);
  const std::vector<ReportCell> cells = report_cells(records, json);
  const ReportMatrix matrix = matrix_of(cells);
  Pool pool;
  json["data"] = data_counts(cells);
  json["policies"] = matrix.columns;
  json["cells"] = Json::array();
  for (std::size_t i = 0; i < cells.size(); ++i)
    json["cells"].push_back(cell_json(cells[i], matrix.column_of_cell[i], pool, curves));
  json["rows"] = Json::array();
  for (std::size_t number = 0; number < matrix.rows.size(); ++number) {
    const Row& row = matrix.rows[number];
    const Json setting = setting_of_row(row, json.at("settings"));
    Json one = row_json(row, cells, setting, curves);
    one["recommendation"] = recommendation(one);
    for (const auto& [column, places] : row.cells)
      for (const std::size_t place : places) {
        json["cells"][place]["row"] = number;
        json["cells"][place]["target"] = cell_target(setting, cells[place]);
      }
    json["rows"].push_back(std::move(one));
  }
  json["missing"] = missing(json.at("rows"), matrix.columns);
  json["answer"] = headline(json.at("rows"));
  json["closing"] = closing(json.at("rows"));
  for (Json& setting : json["settings"]) {
    setting["spec"] = pool.pooled(setting.at("spec"));
    setting["identity"] = pool.pooled(setting.at("identity"));
  }
  json["pool"] = pool.values();
  return json;
}

}  // namespace dtbench
