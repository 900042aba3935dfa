// What is worth a line before cells are trained.
#pragma once

#include <vector>

#include "config/resolve.h"

namespace dtbench {

// Throws Error (usage) where cells of preset base would train on a CPU and nobody said so: with the
// hours that it would take.
void require_device_said(const ResolveRequest& request, const std::vector<const RunSpec*>& cells);

// A line on standard error for cells whose warm-up ends after their last step.
void note_long_warm_ups(const std::vector<const RunSpec*>& cells);

}  // namespace dtbench
