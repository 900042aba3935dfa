// What a study will take and what it can decide: `study --dry-run`.
#pragma once

#include <string>

#include "cli/study_stage.h"

namespace dtbench {

// {"study", "sha256", "device", "stages": [{"name", "session", "purpose", "hypotheses", "cells",
// "done", "unpredicted", "hours", "usd", "usd_so_far", "affordable", "rates"}], "total": {"cells",
// "hours", "usd", "budget", "reserve_usd"}, "rests_on", "decides": [{"hypothesis", "claim",
// "plan"}]}. Hours are of one device; null where nothing is known.
Json study_forecast(const StudyOptions& options, const Study& study);
std::string study_forecast_text(const Json& forecast);

}  // namespace dtbench
