// TOML 1.0 files as JSON values.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace dtbench {

// Throws Error (usage): a file that cannot be read; malformed TOML, naming file, line and column; a
// date or time, which no setting is.
Json read_toml_file(const std::filesystem::path& path);

}  // namespace dtbench
