// One cell from its spec to its result: checks, audit, resume, training, record.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace dtbench {

struct CellOptions {
  std::filesystem::path run_directory;  // holds spec.json
  std::filesystem::path store;
  bool keep_checkpoint = false;
  std::int64_t checkpoint_every = 0;  // steps; 0: every five minutes
};

// Runs, or goes on with, the cell. However it ends, the run's directory tells how far it came.
// Throws Error when the cell cannot be run; the record then says "failed" and why.
ExitCode run_cell(const CellOptions& options);

}  // namespace dtbench
