// Everything that a report says, as one JSON value: a pure function of the records and the
// hypotheses. HTML, Markdown, CSV and Parquet are made from it. The fields: docs/report.md.
#pragma once

#include <vector>

#include "analysis/hypothesis.h"
#include "record/run_directory.h"

namespace dtbench {

Json report_data(const std::vector<RunRecord>& records, const std::vector<Hypothesis>& hypotheses);

}  // namespace dtbench
