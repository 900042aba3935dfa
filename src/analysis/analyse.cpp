#include "analysis/analyse.h"

#include "analysis/comparisons.h"
#include "analysis/pairing.h"
#include "analysis/rates.h"
#include "analysis/verdicts.h"

namespace dtbench {
namespace {

Json to_json(const ExcludedCell& cell) {
  return {{"path", cell.path.string()}, {"why", to_string(cell.why)}, {"reason", cell.reason},
          {"scenario", cell.scenario},  {"policy", cell.policy},      {"seed", cell.seed}};
}

Json to_json(const Unpaired& unpaired) {
  const Cell& cell = *unpaired.cell;
  return {{"path", cell.path.string()},
          {"scenario", cell.scenario},
          {"policy", cell.policy},
          {"seed", cell.seed},
          {"nearest", unpaired.nearest ? Json(unpaired.nearest->path.string()) : Json()},
          {"differing", unpaired.differing}};
}

Json counts(const std::vector<RunRecord>& records, const Cells& cells, const Pairing& pairing) {
  Json excluded = Json::object();
  for (const ExcludedCell& cell : cells.excluded)
    excluded[to_string(cell.why)] = excluded.value(to_string(cell.why), 0) + 1;
  return {{"read", records.size()},
          {"used", cells.used.size() - pairing.unpaired.size()},
          {"unpaired", pairing.unpaired.size()},
          {"excluded", excluded}};
}

}  // namespace

Json analyse(const std::vector<RunRecord>& records, const std::vector<Hypothesis>& hypotheses,
             LossCurves& curves) {
  const Cells cells = cells_of(records);
  const Pairing pairing = pair_with_reference(cells.used);
  Json json = {{"schema_version", 2},
               {"records", counts(records, cells, pairing)},
               {"excluded", Json::array()},
               {"unpaired", Json::array()},
               {"settings", Json::array()},
               {"rates", rates(cells.used)},
               {"verdicts", verdicts(hypotheses, pairing, cells)}};
  for (const ExcludedCell& cell : cells.excluded)
    json["excluded"].push_back(to_json(cell));
  for (const Unpaired& unpaired : pairing.unpaired)
    json["unpaired"].push_back(to_json(unpaired));
  for (const SettingTrials& setting : pairing.settings)
    json["settings"].push_back(compare(setting, curves));
  return json;
}

}  // namespace dtbench
