// Trains the cells of a demonstration one after another, an engine process each.
#pragma once

#include <filesystem>
#include <vector>

#include "base/error.h"
#include "cli/demo_cells.h"

namespace dtbench {

// Cells that are finished are passed over; what goes wrong with one is its `failure` and harms no
// other. SIGINT, SIGTERM and SIGHUP reach the running engine, which saves a checkpoint, and end the
// run. Shows progress on standard error. Returns kDone, kPermanent when a cell failed,
// kInterrupted.
ExitCode run_demo(std::vector<DemoCell>& cells, const std::filesystem::path& out,
                  const std::filesystem::path& configs);

}  // namespace dtbench
