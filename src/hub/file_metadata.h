// What the Hub says of a file before it is fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/http_client.h"
#include "hub/repository.h"

namespace dtbench {

struct FileMetadata {
  std::string url;                   // of the file at that commit
  std::string hash;                  // its content's (content_hash.h); the blob's name
  std::optional<std::int64_t> size;  // bytes; not every server tells, but Hub finds it
};

// What a reply to HEAD says. The headers are the Hub's: X-Repo-Commit; X-Linked-Etag and
// X-Linked-Size of a large file that is kept elsewhere, else ETag and Content-Length. Throws Error
// where the file is not to be had, or where the reply names no content to verify.
FileMetadata metadata_of(const HttpResponse& reply, const HubSettings& settings,
                         const Repository& repository, const std::string& commit,
                         const std::string& path);

// Asks with HEAD. Throws Error as metadata_of and HttpClient do.
FileMetadata file_metadata(HttpClient& http, const Repository& repository,
                           const std::string& commit, const std::string& path);

}  // namespace dtbench
