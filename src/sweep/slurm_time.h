// Time limits as sbatch writes them (sbatch(1), --time).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dtbench {

// Seconds of "M", "M:S", "H:M:S", "D-H", "D-H:M" and "D-H:M:S"; 0 for no limit ("0", "UNLIMITED",
// "INFINITE"); nothing for any other text.
std::optional<std::int64_t> slurm_seconds(const std::string& limit);

}  // namespace dtbench
