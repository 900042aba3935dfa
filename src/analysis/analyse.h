// From records to answers, as one JSON value: all that reports and `dtbench analyse` say. A pure
// function of the records and the hypotheses. The fields: docs/analysis.md.
#pragma once

#include <vector>

#include "analysis/hypothesis.h"
#include "analysis/loss_curves.h"
#include "record/run_directory.h"

namespace dtbench {

// `curves` keeps the steps that it read, for those that go on with them.
Json analyse(const std::vector<RunRecord>& records, const std::vector<Hypothesis>& hypotheses,
             LossCurves& curves);

}  // namespace dtbench
