// The contract's verdicts on hypotheses ("Verdicts"): controls and the other hypotheses of a family
// heard. The JSON's fields: docs/analysis.md.
#pragma once

#include "analysis/cells.h"
#include "analysis/hypothesis.h"
#include "analysis/pairing.h"

namespace dtbench {

// One object a hypothesis, in their order.
Json verdicts(const std::vector<Hypothesis>& hypotheses, const Pairing& pairing,
              const Cells& cells);

}  // namespace dtbench
