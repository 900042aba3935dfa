// The records as one flat table, a row each. The columns: docs/report.md.
#pragma once

#include "report/table.h"

namespace dtbench {

// `data`: report_data.
Table record_table(const Json& data);

}  // namespace dtbench
