// Stores of the cache: which there are, whether their files are what was written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace dtbench {

struct StoreFolder {
  std::filesystem::path path;  // its name is the fingerprint, for a quarantined one with an ending
  bool quarantined = false;
};

// The stores below `cache`, newest first.
std::vector<StoreFolder> stores_in(const std::filesystem::path& cache);

// What is wrong with a store: it does not open, its meta.json's checksum or a file's SHA-256 is
// another, its folder has another name than its fingerprint. None: every bit is as written.
std::optional<std::string> find_fault(const std::filesystem::path& store);

// Renames a store aside, so that it is never read and the next run prepares it again. Returns its
// new place. Processes that have it mapped keep what they have.
std::filesystem::path quarantine(const std::filesystem::path& store);

}  // namespace dtbench
