// A judgement as JSON: its interval and parts in the unit that people read. docs/analysis.md.
#pragma once

#include "analysis/hypothesis.h"
#include "analysis/looks.h"

namespace dtbench {

// {"estimate", "low", "high", "level", "threshold", "unit", "side"}: the smallest part against the
// threshold; null where it cannot be tested.
Json interval_json(const Judged& judged, const Hypothesis& hypothesis);

// Each part with its own interval at the level of the judgement, and where that lies.
Json parts_json(const Judged& judged, const Hypothesis& hypothesis);

// "[+0.50, +2.00] octaves", for a sentence.
std::string interval_words(const Judged& judged, const Hypothesis& hypothesis);

}  // namespace dtbench
