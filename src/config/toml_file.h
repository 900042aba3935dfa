// TOML 1.0 files as JSON values.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace dtbench {

// Throws Error: unreadable file; (usage) malformed TOML, naming file, line and column; (usage) a
// date or time, which no setting is.
Json read_toml_file(const std::filesystem::path& path);

}  // namespace dtbench
