// One cell from its spec to its result: checks, audit, resume, training, record.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "config/health_level.h"

namespace dtbench {

struct CellOptions {
  std::filesystem::path run_directory;  // holds spec.json
  std::filesystem::path store;
  std::filesystem::path initial_weights;  // the file that the spec's model.init names; "" where it
                                          // is a path itself, or weights are drawn
  std::string sources;  // JSON for the audit: which commits data, tokenizer and weights are of
  std::string session;  // what one program times without a break; "": not told
  bool keep_checkpoint = false;
  bool profile = false;  // the record says where a step's time goes
  HealthLevel health = HealthLevel::kOff;
  std::int64_t checkpoint_every = 0;     // steps; 0: every five minutes
  std::optional<double> price_per_hour;  // USD; nothing: the record has no price
};

// Runs, or goes on with, the cell. However it ends, the run's directory tells how far it came.
// Throws Error when the cell cannot be run; the record then says "failed" and why.
ExitCode run_cell(const CellOptions& options);

}  // namespace dtbench
