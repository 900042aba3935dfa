// A resolved cell on its way to the engine: shared by run and benchmark.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "config/resolve.h"
#include "sweep/prepared_cell.h"

namespace dtbench {

struct LaunchOptions {
  std::string out = "runs";
  bool dry_run = false;
  bool rerun = false;
  EngineOptions engine;
  std::string price_per_hour;
};

void add_launch_options(CLI::App& command, LaunchOptions& options);

// Prints the resolved spec (--dry-run), or where the finished record is, or prepares data and run
// directory and becomes the engine: then it does not return.
void launch(const ResolveRequest& request, const LaunchOptions& options);

}  // namespace dtbench
