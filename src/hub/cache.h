// The cache's folders and files, laid out as the Python client (huggingface_hub 2.4) lays them out,
// so that each finds what the other downloaded:
//
//   datasets--owner--name/                 (or models--owner--name)
//     refs/main                            the commit that a revision stands for
//     blobs/<hash>                         contents, named by content_hash.h
//     snapshots/<commit>/<path>            relative symbolic links into blobs/
//     trees/<commit>.json                  what files a commit has (file_list.h)
//   .locks/datasets--owner--name/<hash>.lock
//
// and of our own `blobs/<hash>.incomplete`, a download to go on with, and `quarantine/`, blobs that
// are not what their name says. Throws Error when a file cannot be read or written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file_lock.h"
#include "hub/repository.h"

namespace dtbench {

class HubCache {
 public:
  explicit HubCache(std::filesystem::path root) : root_(std::move(root)) {}

  std::filesystem::path folder(const Repository& repository) const;
  std::filesystem::path blob(const Repository& repository, const std::string& hash) const;
  std::filesystem::path tree(const Repository& repository, const std::string& commit) const;
  std::filesystem::path snapshot(const Repository& repository, const std::string& commit,
                                 const std::string& path) const;

  // One download of a blob at a time, by the lock file of the Python client; after a second of
  // waiting the log says that `subject` is waited for. On file systems whose locks do nothing two
  // may download; the blob is whole all the same (download.h).
  FileLock lock(const Repository& repository, const std::string& hash,
                const std::string& subject) const;

  // Whether a blob or, through its link, a snapshot's file is there.
  static bool has(const std::filesystem::path& path);

  // The commit last seen for the repository's revision; "" where none was.
  std::string read_ref(const Repository& repository) const;
  void write_ref(const Repository& repository, const std::string& commit) const;

  // Links snapshots/<commit>/<path> to the blob.
  void link(const Repository& repository, const std::string& commit, const std::string& path,
            const std::string& hash) const;

  // Links of snapshots that lead to the blob, as paths in the repository, sorted.
  std::vector<std::filesystem::path> links_to(const Repository& repository,
                                              const std::string& hash) const;

  // Where a blob's content is: what the Python client fetches through Xet it keeps once for all
  // repositories, as blobs/<2 digits>/<Xet's hash> of the cache, and links to it. The blob itself
  // where it is no such link: others may lead to files that are not the cache's.
  std::filesystem::path content_of(const std::filesystem::path& blob) const;

  // Marks the cache as one, for backup programs (https://bford.info/cachedir).
  void write_tag() const;

 private:
  std::filesystem::path root_;
};

}  // namespace dtbench
