// One row of the matrix as JSON: what a report says of a scenario. The fields: docs/report.md.
#pragma once

#include "analysis/loss_curves.h"
#include "report/rows.h"

namespace dtbench {

// The measure by which policies are held against fp32_true in a scenario, and the loss of quality
// that is still called none: the contract's margins.
struct Quality {
  const char* metric;   // a key of analyse()'s metrics
  const char* pointer;  // into result.json
  const char* name;
  bool higher_is_better;
  double margin;
  bool relative;  // the margin is a share of fp32_true's value
};
Quality quality_of(const Json& objective);

// `setting`: of analyse(), null where the row has no fp32_true.
Json row_json(const Row& row, const std::vector<ReportCell>& cells, const Json& setting,
              LossCurves& curves);

}  // namespace dtbench
