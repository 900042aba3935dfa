// Where the sources are that tests read: configs and golden files.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace dtbench {

inline std::filesystem::path source_folder() {
  const char* source = std::getenv("DTBENCH_SOURCE");
  return source != nullptr ? source : ".";
}

inline std::filesystem::path source_configs() {
  return source_folder() / "configs";
}

}  // namespace dtbench
