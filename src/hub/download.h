// A file from the Hub to its place in the cache, whole and verified or not at all.
#pragma once

#include <filesystem>
#include <string>

#include "hub/file_metadata.h"
#include "hub/http_client.h"
#include "hub/repository.h"

namespace dtbench {

// `file` has its size. Downloads to `blob`.incomplete, going on where a try, or a process before,
// left off; verifies size and hash, and renames. A content that is not what its hash says is
// fetched once more, from the start, before that is an error. On the terminal a line with rate and
// time left.
//
// To be called with the blob's lock held. Where locks do nothing, several processes write the same
// bytes to the same places of one file, which does no harm: none truncates it.
void download(HttpClient& http, const Repository& repository, const std::string& path,
              const FileMetadata& file, const std::filesystem::path& blob);

}  // namespace dtbench
