// Models and data sets of the Hugging Face Hub: what they are at a commit, fetched once and
// verified, in the cache that the Python client (huggingface_hub) uses, too.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/byte_source.h"
#include "hub/cache.h"
#include "hub/file_list.h"
#include "hub/file_metadata.h"
#include "hub/http_client.h"
#include "hub/parquet_files.h"
#include "hub/repository.h"
#include "hub/settings.h"
#include "hub/verify.h"

namespace dtbench {

// Everything throws Error that names repository, revision and file, and what to try: usage (2) for
// what does not exist, retryable (3) where the network or the server failed after several tries or
// the disk is full, permanent (4) for what is not allowed, or not in the cache when offline. For
// one thread at a time.
class Hub {
 public:
  explicit Hub(const HubSettings& settings);

  // The commit that the revision stands for, asked once: all that this object fetches is of it,
  // even should the branch move. Where the Hub does not answer, the commit last seen, with a
  // warning.
  std::string commit(const Repository& repository);

  // The repository's files, sorted by path. `wanted`: the folder that they are looked for in, which
  // the error of an offline use names.
  std::vector<HubFile> list(const Repository& repository, const std::string& wanted = "");

  // The parts of the data set's Parquet copy that the Hub made (parquet_files.h).
  std::vector<ParquetFile> parquet(const Repository& dataset);

  // The file's path in the cache, where it is downloaded and verified if it is not there yet.
  std::filesystem::path file(const Repository& repository, const std::string& path);

  // The same, hashed anew: a cached content that is damaged is moved aside and fetched again.
  std::filesystem::path verified_file(const Repository& repository, const std::string& path);

  // The same, to be read by ranges without downloading all of it. What is in the cache is
  // verified and read from there. Independent of this object: it may be used in another thread.
  std::unique_ptr<ByteSource> open(const Repository& repository, const std::string& path);

  // Moves cached contents aside that are not what their hash says; file() fetches them again.
  Verification verify(const Repository& repository);

  // Bytes that came over the network so far, for this object and the files it opened.
  std::int64_t received() const { return *received_; }

 private:
  Hub(const HubSettings& settings, ByteCount received);
  std::string ask_for_commit(const Repository& repository);
  void remember(const Repository& repository, const std::string& commit);
  std::string resolve(const Repository& repository);
  std::string commit_for(const Repository& repository, const std::string& path);
  FileMetadata metadata(const Repository& repository, const std::string& at,
                        const std::string& path);

  HubSettings settings_;
  ByteCount received_;
  HttpClient http_;
  HubCache cache_;
  std::map<std::string, std::string> commits_;
};

}  // namespace dtbench
