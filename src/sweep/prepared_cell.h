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

// What it has in common with other cells.
struct CellFiles {
  std::filesystem::path initial_weights;  // a file; "": they are drawn
  std::filesystem::path store;            // its tokenized data
  Json sources;                           // the commits of what is from the Hub (data/hub_files.h)
};

struct PreparedCell : CellFiles {
  RunSpec spec;
  std::filesystem::path run;  // its run directory
  bool finished = false;      // the record is complete: another run would only repeat it
};

// Prepares the data and fetches initial weights; throws what prepare_store and HubFiles throw.
CellFiles files_of_cell(const RunSpec& spec, const std::filesystem::path& configs);

// Whether the record in `run` is complete. Throws Error (usage) for one that is damaged, of another
// spec, or was made from other data or initial weights.
bool is_finished(const RunSpec& spec, const std::filesystem::path& run, const CellFiles& files);

// kIgnore: another process of the cell sets it aside.
enum class OldRecord { kGoOn, kSetAside, kIgnore };

// Both, for the record below `out`.
PreparedCell prepare_cell(const RunSpec& spec, const std::filesystem::path& out,
                          const std::filesystem::path& configs, OldRecord old_record);

struct EngineOptions {
  bool keep_checkpoint = false;
  bool profile = false;
  HealthLevel health = HealthLevel::kOff;
  std::int64_t checkpoint_every = 0;                    // steps; 0: every five minutes
  std::optional<double> price_per_hour = std::nullopt;  // USD, of this process
  std::string session;                                  // empty: one of its own
  bool records = true;  // the cell's first process, or its only one, which has the record
};

// Returns the command line that trains the cell, and writes the spec to the run directory if this
// process has the record. Throws Error: permanent without an engine, retryable while another
// process trains the cell.
std::vector<std::string> engine_command(const PreparedCell& cell, const EngineOptions& options);

}  // namespace dtbench
