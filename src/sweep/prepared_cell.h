// One cell on its way to the engine: its data, the record it may have, the engine's command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "config/health_level.h"
#include "config/run_spec.h"

namespace dtbench {

struct PreparedCell {
  RunSpec spec;
  std::filesystem::path run;              // its run directory
  std::filesystem::path store;            // its tokenized data
  std::filesystem::path initial_weights;  // a file; "": they are drawn
  Json sources;                           // the commits of what is from the Hub (data/hub_files.h)
  bool finished = false;  // the record is complete: another run would only repeat it
};

enum class OldRecord { kGoOn, kSetAside };

// Prepares the data, fetches initial weights, and looks at the record below `out`. Throws Error
// (usage) for a record that is damaged, of another spec, or was made from other data or initial
// weights, and what prepare_store and HubFiles throw.
PreparedCell prepare_cell(const RunSpec& spec, const std::filesystem::path& out,
                          const std::filesystem::path& configs, OldRecord old_record);

struct EngineOptions {
  bool keep_checkpoint = false;
  bool profile = false;
  HealthLevel health = HealthLevel::kLight;
  std::int64_t checkpoint_every = 0;                    // steps; 0: every five minutes
  std::optional<double> price_per_hour = std::nullopt;  // USD, of this process
  std::string session;                                  // empty: one of its own
};

// Writes the spec to the run directory and returns the command line that trains the cell. Throws
// Error: permanent without an engine, retryable while another process trains the cell.
std::vector<std::string> engine_command(const PreparedCell& cell, const EngineOptions& options);

}  // namespace dtbench
