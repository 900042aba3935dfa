// The rows of a report's matrix: records that differ in policy and seed alone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "report/report_cells.h"

namespace dtbench {

struct Row {
  std::string scenario;
  std::string label;    // the scenario, and what sets the row apart from its others
  Json spec, identity;  // what its records have in common (analysis/pairing.h); may be null
  std::map<std::string, std::vector<std::size_t>> cells;  // by column, in the order of the seeds
};

struct ReportMatrix {
  std::vector<std::string> columns;  // the study's policies, then others by name
  std::vector<Row> rows;             // by scenario
  std::vector<std::string> column_of_cell;
};

// Records without a spec that can be read stand in no row. A policy of one name and other fields
// has a column of its own, "NAME (2)".
ReportMatrix matrix_of(const std::vector<ReportCell>& cells);

}  // namespace dtbench
