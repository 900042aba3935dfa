// Time: a steady clock for durations, UTC for records.
#pragma once

#include <string>

namespace dtbench {

// Seconds of a clock that never jumps; only differences mean anything.
double steady_seconds();

// Now, as ISO 8601 in UTC with milliseconds: "2026-01-31T12:34:56.789Z".
std::string utc_now();

}  // namespace dtbench
