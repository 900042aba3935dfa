// Trains the cells of a demonstration one after another, an engine process each.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "cli/demo_cells.h"

namespace dtbench {

// A sweep of one cell at a time (sweep/sweep.h), shown on standard error as a demonstration.
ExitCode run_demo(std::vector<DemoCell>& cells, const std::filesystem::path& out,
                  const std::filesystem::path& configs);

}  // namespace dtbench
