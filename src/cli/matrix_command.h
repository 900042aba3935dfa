// Trains a matrix, shows it, and ends with what it says: `matrix`, and `demo`, which is one.
#pragma once

#include <string>

#include "cli/matrix_options.h"
#include "config/health_level.h"

namespace dtbench {

struct MatrixCommand {
  MatrixOptions matrix;
  std::string report = "matrix-report.html";  // the page's name, in the folder of records
  std::string timeout;
  double lease_s = 60;
  bool dry_run = false, rerun = false, fail_fast = false, tensorboard = false, profile = false;
  HealthLevel health = HealthLevel::kOff;
};

// The flags of `matrix`.
void add_matrix_flags(CLI::App& command, MatrixCommand& options);

// Throws Error as the functions of matrix_options.h do, and Ended with the sweep's exit code.
void run_matrix(const MatrixCommand& command);

}  // namespace dtbench
