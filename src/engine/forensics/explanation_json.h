// An explanation as explain.json has it (docs/record-schema.md).
#pragma once

#include "base/json.h"
#include "engine/forensics/inquiry.h"

namespace dtbench {

// "proved"; "consistent" with the cause, not proved; "diagnosed", without a proof asked for;
// "unexplained": no change that removes a mechanism survives; "unrepeatable": the machine computes
// one step in two ways; "vanished": the replay stayed finite.
const char* verdict_of(const Explanation& explanation);

Json to_json(const Explanation& explanation);

}  // namespace dtbench
