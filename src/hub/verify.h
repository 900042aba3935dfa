// Cached contents against the hashes that name them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hub/cache.h"
#include "hub/repository.h"

namespace dtbench {

struct CorruptBlob {
  std::string hash;                          // what it should have
  std::string found;                         // what it has
  std::vector<std::filesystem::path> links;  // of snapshots, which are gone
  std::filesystem::path moved_to;            // in the repository's folder quarantine/
};

struct Verification {
  std::int64_t blobs = 0, bytes = 0;  // that were read
  std::vector<CorruptBlob> corrupt;
};

// Reads every blob of the repository's cache, whatever its revision. Those that are not what their
// name says are moved aside, with the links to them, and reported in the log: the next use fetches
// them again. Throws Error when the cache cannot be read or changed.
Verification verify(const HubCache& cache, const Repository& repository);

}  // namespace dtbench
