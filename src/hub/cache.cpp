#include "hub/cache.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"
#include "hub/content_hash.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag created by dtbench.\n"
    "# For information about cache directory tags, see https://bford.info/cachedir/\n";

bool leads_to(const fs::path& link, const fs::path& target) {
  std::error_code none;
  const fs::path pointed = fs::read_symlink(link, none);
  return !none && (link.parent_path() / pointed).lexically_normal() == target.lexically_normal();
}

}  // namespace

fs::path HubCache::folder(const Repository& repository) const {
  return root_ / cache_folder_name(repository);
}

fs::path HubCache::blob(const Repository& repository, const std::string& hash) const {
  return folder(repository) / "blobs" / hash;
}

FileLock HubCache::lock(const Repository& repository, const std::string& hash,
                        const std::string& subject) const {
  const fs::path folder = root_ / ".locks" / cache_folder_name(repository);
  make_directories(folder);
  return {folder / (hash + ".lock"),
          concat(subject, ": waiting for another process that is downloading it"), 1, 0664};
}

fs::path HubCache::tree(const Repository& repository, const std::string& commit) const {
  return folder(repository) / "trees" / (commit + ".json");
}

fs::path HubCache::snapshot(const Repository& repository, const std::string& commit,
                            const std::string& path) const {
  return folder(repository) / "snapshots" / commit / path;
}

bool HubCache::has(const fs::path& path) {
  std::error_code cannot_be_told;
  return fs::exists(path, cannot_be_told);
}

std::string HubCache::read_ref(const Repository& repository) const {
  const std::string commit =
      read_file(folder(repository) / "refs" / repository.revision).value_or("");
  return is_commit(commit) ? commit : "";
}

void HubCache::write_ref(const Repository& repository, const std::string& commit) const {
  if (repository.revision == commit || read_ref(repository) == commit) return;
  const fs::path ref = folder(repository) / "refs" / repository.revision;
  make_directories(ref.parent_path());
  write_file_atomically(ref, commit);
}

void HubCache::link(const Repository& repository, const std::string& commit,
                    const std::string& path, const std::string& hash) const {
  const fs::path link = snapshot(repository, commit, path);
  const fs::path target = blob(repository, hash).lexically_relative(link.parent_path());
  make_directories(link.parent_path());
  std::error_code error;
  fs::remove(link, error);  // one that leads nowhere
  fs::create_symlink(target, link, error);
  if (error && !has(link)) {  // another process may have been faster
    errno = error.value();
    throw system_error("Cannot create the symbolic link", link.string());
  }
}

std::vector<fs::path> HubCache::links_to(const Repository& repository,
                                         const std::string& hash) const {
  std::vector<fs::path> links;
  const fs::path snapshots = folder(repository) / "snapshots";
  if (!fs::is_directory(snapshots)) return links;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(snapshots))
    if (entry.is_symlink() && leads_to(entry.path(), blob(repository, hash)))
      links.push_back(entry.path());
  std::sort(links.begin(), links.end());
  return links;
}

fs::path HubCache::content_of(const fs::path& blob) const {
  std::error_code none;
  const fs::path target = fs::read_symlink(blob, none);
  if (none) return blob;
  const fs::path content = (blob.parent_path() / target).lexically_normal();
  const std::string hash = content.filename().string();
  const fs::path shared = root_ / "blobs" / hash.substr(0, 2) / hash;
  const bool is_shared = is_content_hash(hash) && content == shared.lexically_normal() &&
                         fs::is_regular_file(fs::symlink_status(content, none));
  return is_shared ? content : blob;
}

void HubCache::write_tag() const {
  const fs::path tag = root_ / "CACHEDIR.TAG";
  if (has(tag)) return;
  make_directories(root_);
  write_file_atomically(tag, kTag);
}

}  // namespace dtbench
