#include "report/rows.h"

#include <algorithm>
#include <set>

#include "analysis/json_access.h"
#include "analysis/pairing.h"
#include "base/text.h"
#include "config/study_policies.h"

namespace dtbench {
namespace {

constexpr std::size_t kFieldsInALabel = 3, kTextInALabel = 12;

// Names policies, those of one name and other fields with a number behind it.
class Columns {
 public:
  std::string name_of(const ReportCell& cell) {
    std::vector<Json>& variants = variants_[cell.policy()];
    const Json fields = cell.member("/policy");
    const auto known = std::find(variants.begin(), variants.end(), fields);
    const auto number = known - variants.begin() + 1;
    if (known == variants.end()) variants.push_back(fields);
    return number == 1 ? cell.policy() : concat(cell.policy(), " (", number, ")");
  }

 private:
  std::map<std::string, std::vector<Json>> variants_;
};

Row& row_of(const ReportCell& cell, std::vector<Row>& rows) {
  const auto [spec, identity] =
      setting_of(cell.record->spec, member_or_null(cell.record->audit, "/identity"));
  // A run that ended before its audit may belong to any row of its spec.
  for (Row& row : rows)
    if (row.spec == spec &&
        (row.identity == identity || row.identity.is_null() || identity.is_null())) {
      if (row.identity.is_null()) row.identity = identity;
      return row;
    }
  rows.push_back({cell.scenario(), cell.scenario(), spec, identity, {}});
  return rows.back();
}

// Those of one scenario in the order in which they came.
std::vector<Row> by_scenario(std::vector<Row> rows) {
  std::map<std::string, std::vector<Row>> groups;
  for (Row& row : rows)
    groups[row.scenario].push_back(std::move(row));
  std::vector<Row> sorted;
  for (auto& [scenario, group] : groups)
    for (Row& row : group)
      sorted.push_back(std::move(row));
  return sorted;
}

// Beside the row's scenario, the fields in which its rows differ.
void label(std::vector<Row>& rows) {
  std::map<std::string, std::vector<Row*>> groups;
  for (Row& row : rows)
    groups[row.scenario].push_back(&row);
  for (auto& [scenario, same] : groups) {
    std::set<std::string> fields;
    const auto whole = [](const Row& row) { return as_json(CellSetting{row.spec, row.identity}); };
    for (const Row* row : same)
      for (const Json& each : differences(whole(*same.front()), whole(*row)))
        fields.insert(each.at("field").get<std::string>());
    for (Row* row : same) {
      std::size_t shown = 0;
      for (const std::string& field : fields) {
        std::string pointer = concat("/", field);
        std::replace(pointer.begin(), pointer.end(), '.', '/');
        const Json value = member_or_null(whole(*row), pointer);
        if (value.is_null() || shown++ == kFieldsInALabel) continue;
        row->label += concat(
            ", ", field.substr(field.find('.') + 1), " ",
            value.is_string() ? value.get<std::string>().substr(0, kTextInALabel) : value.dump());
      }
    }
  }
}

}  // namespace

ReportMatrix matrix_of(const std::vector<ReportCell>& cells) {
  ReportMatrix matrix;
  Columns names;
  std::set<std::string> others;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const ReportCell& cell = cells[i];
    matrix.column_of_cell.push_back(cell.record->spec.is_null() ? "" : names.name_of(cell));
    if (cell.record->spec.is_null()) continue;
    others.insert(matrix.column_of_cell[i]);
    row_of(cell, matrix.rows).cells[matrix.column_of_cell[i]].push_back(i);
  }
  for (const char* policy : kStudyPolicies) {
    matrix.columns.emplace_back(policy);
    others.erase(policy);
  }
  matrix.columns.insert(matrix.columns.end(), others.begin(), others.end());
  matrix.rows = by_scenario(std::move(matrix.rows));
  for (Row& row : matrix.rows)
    for (auto& [column, list] : row.cells)
      std::sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
        const Json one = cells[a].member("/seed"), other = cells[b].member("/seed");
        return one != other ? one < other : a < b;
      });
  label(matrix.rows);
  return matrix;
}

}  // namespace dtbench
