// A file on the Hub, read by ranges: what is not asked for is not fetched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/byte_source.h"
#include "data/local_file.h"
#include "hub/file_metadata.h"
#include "hub/http_client.h"
#include "hub/repository.h"

namespace dtbench {

// The address is that of one commit, so that the content never changes between reads; ranges of it
// cannot be verified by a hash, but each must be the one that was asked for. From a server that
// ignores ranges the file is downloaded whole, once. For one thread at a time.
class RemoteFile : public ByteSource {
 public:
  // `file` with its size; `download`: fetches the whole and returns its path.
  RemoteFile(const HubSettings& settings, ByteCount received, const Repository& repository,
             std::string path, FileMetadata file, std::function<std::filesystem::path()> download);

  std::int64_t size() const override { return *file_.size; }
  std::string read(std::int64_t offset, std::int64_t length) override;

 private:
  HttpResponse ask(const ByteRange& range, BodySink& sink);
  void fetch(std::int64_t offset, std::int64_t length, std::string& bytes);

  HttpClient http_;
  Repository repository_;
  std::string path_, subject_;
  FileMetadata file_;
  std::function<std::filesystem::path()> download_;
  std::string location_;              // where the last redirect led; may expire
  std::unique_ptr<LocalFile> local_;  // once it was downloaded whole
};

}  // namespace dtbench
