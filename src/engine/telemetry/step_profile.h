// Where a step's time goes, by operation, beside the least that the device could take: products at
// its measured rate, bytes at its measured copy rate.
#pragma once

#include "base/json.h"
#include "engine/telemetry/peaks.h"
#include "engine/train/trainer.h"

namespace dtbench {

// Trains some more steps, on the batch of the last one, with every operation timed: nothing is to
// be read from `trainer`'s weights afterwards. profile.json (docs/record-schema.md): of the step
// whose time is the median, so that its parts add up to it. Null where the products' rate is not
// known.
Json profile_steps(Trainer& trainer, const Peaks& peaks);

}  // namespace dtbench
