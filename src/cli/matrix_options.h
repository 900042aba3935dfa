// The flags that say which cells a matrix has and what it may cost: shared by matrix and plan.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/spec_options.h"
#include "sweep/sweep.h"

namespace dtbench {

struct MatrixOptions {
  SpecOptions spec;
  std::string file, seeds;
  std::vector<std::string> scenarios, policies;
  std::string price_per_hour, budget;
  std::optional<int> jobs;
  std::optional<int> jobs_on_cpu;  // where `jobs` is not given; none: make_slots decides
  std::string out = "runs";
  bool json = false;
};

void add_matrix_options(CLI::App& command, MatrixOptions& options);

// The cells in the order in which they are to run. Throws Error (usage) as matrix_cells does, and
// for cells of more than one device.
std::vector<SweepCell> sweep_cells(const MatrixOptions& options);

// Before cells are trained: see notes.h.
void require_device_said(const MatrixOptions& options, const std::vector<SweepCell>& cells);

// Places, folders, price and budget. Throws Error (usage) for a price or budget that is no number
// of USD, and for a budget without a price.
SweepOptions sweep_options(const MatrixOptions& options, const std::vector<SweepCell>& cells);

}  // namespace dtbench
