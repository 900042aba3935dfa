// Cached contents against the hashes that name them.
#pragma once

#include <filesystem>
#include <optional>
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

// Hashes one blob again. One that is not what its name says is moved aside, with the links to it,
// and reported in the log.
std::optional<CorruptBlob> verify_blob(const HubCache& cache, const Repository& repository,
                                       const std::string& hash);

// Reads every blob of the repository's cache, whatever its revision. The next use
// fetches again what was moved aside. Throws Error when the cache cannot be read or changed.
Verification verify(const HubCache& cache, const Repository& repository);

}  // namespace dtbench
