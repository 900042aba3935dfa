// The names in a folder. One listing instead of a question for each of very many cells: a shared
// folder is asked by every process, and at the start of a matrix hardly any cell is there.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <system_error>

#include "base/read_file.h"

namespace dtbench {

// None where there is no folder. Throws Error for one that cannot be read.
inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.insert(entry->path().filename().string());
  if (error && error != std::errc::no_such_file_or_directory) throw unreadable(folder, error);
  return names;
}

}  // namespace dtbench
