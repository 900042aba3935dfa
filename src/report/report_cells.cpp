#include "report/report_cells.h"

#include "record/status.h"

namespace dtbench {
namespace {

std::map<std::string, const Json*> by_path(const Json& list) {
  std::map<std::string, const Json*> map;
  for (const Json& each : list)
    map.emplace(each.at("path").get<std::string>(), &each);
  return map;
}

}  // namespace

Json ReportCell::member(const char* pointer) const {
  return member_or_null(record->spec, pointer);
}

std::string ReportCell::scenario() const {
  return text_or(member("/scenario"), "?");
}

std::string ReportCell::policy() const {
  return text_or(member("/policy/name"), "?");
}

bool ReportCell::completed() const {
  return counts && status_of(*record) == Status::kCompleted;
}

std::vector<ReportCell> report_cells(const std::vector<RunRecord>& records, const Json& analysis) {
  const auto excluded = by_path(analysis.at("excluded")),
             unpaired = by_path(analysis.at("unpaired"));
  std::vector<ReportCell> cells;
  for (const RunRecord& record : records) {
    const std::string path = record.path.string();
    if (const auto left = excluded.find(path); left != excluded.end())
      cells.push_back({&record, left->second->at("why"), left->second->at("reason"), false, false});
    else
      cells.push_back({&record, text_or(member_or_null(record.result, "/outcome"), "unknown"),
                       text_or(member_or_null(record.result, "/reason"), ""), true,
                       unpaired.contains(path)});
  }
  return cells;
}

}  // namespace dtbench
