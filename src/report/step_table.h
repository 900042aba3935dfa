// All training steps of records as one flat table, a row each: the record's names, then the numbers
// of steps.jsonl (docs/record-schema.md), of which `conditions` is left out.
#pragma once

#include <vector>

#include "record/run_directory.h"
#include "report/table.h"

namespace dtbench {

Table step_table(const std::vector<RunRecord>& records);

}  // namespace dtbench
