// One row of the matrix as JSON: what a report says of a scenario. The fields: docs/report.md.
#pragma once

#include "analysis/loss_curves.h"
#include "config/task.h"
#include "report/rows.h"

namespace dtbench {

// Its task's; of a task that no loaded extension knows, what every task has: the validation loss.
Quality quality_of(const Json& objective);

// The policy with these fields among those of a setting of analyse(); null where it has no pair.
const Json* trials_of(const Json& setting, const Json& policy_fields);

// `setting`: of analyse(), null where the row has no fp32_true.
Json row_json(const Row& row, const std::vector<ReportCell>& cells, const Json& setting,
              LossCurves& curves);

}  // namespace dtbench
