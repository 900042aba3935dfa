// Time limits and warnings before them as sbatch writes them (sbatch(1), --time and --signal).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dtbench {

// Seconds of "M", "M:S", "H:M:S", "D-H", "D-H:M" and "D-H:M:S"; 0 for no limit ("0", "UNLIMITED",
// "INFINITE"); nothing for any other text.
std::optional<std::int64_t> slurm_seconds(const std::string& limit);

// How many seconds before the limit "B:USR2@300" warns, as sbatch's --signal has it; 60 where it
// does not say (sbatch(1)).
std::int64_t slurm_warning_seconds(const std::string& signal);

}  // namespace dtbench
