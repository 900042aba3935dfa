#include "hub/verify.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/content_hash.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> blobs_of(const HubCache& cache, const Repository& repository) {
  std::vector<fs::path> blobs;
  const fs::path folder = cache.folder(repository) / "blobs";
  if (!fs::is_directory(folder)) return blobs;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (is_content_hash(entry.path().filename().string()) && entry.is_regular_file())
      blobs.push_back(entry.path());
  std::sort(blobs.begin(), blobs.end());
  return blobs;
}

fs::path quarantine(const HubCache& cache, const Repository& repository, const fs::path& blob) {
  std::string time = utc_now();
  std::erase(time, ':');
  const fs::path aside =
      cache.folder(repository) / "quarantine" / concat(blob.filename().string(), "-", time);
  make_directories(aside.parent_path());
  const fs::path content = cache.content_of(blob);
  rename_path(content, aside);
  if (content != blob) fs::remove(blob);  // a link that leads nowhere now
  return aside;
}

CorruptBlob set_aside(const HubCache& cache, const Repository& repository, const fs::path& blob,
                      const std::string& found) {
  CorruptBlob corrupt{blob.filename().string(), found, {}, {}};
  corrupt.links = cache.links_to(repository, corrupt.hash);
  // The links first: without them nobody takes the blob for good, should this be interrupted.
  for (const fs::path& link : corrupt.links)
    fs::remove(link);
  corrupt.moved_to = quarantine(cache, repository, blob);
  std::string files;
  for (const fs::path& link : corrupt.links)
    files += concat(files.empty() ? " (" : ", ",
                    link.lexically_relative(cache.folder(repository) / "snapshots").string());
  log_warning(concat(describe(repository), ": cached content ", corrupt.hash,
                     files.empty() ? "" : files + ")", " has the hash ", found, "; moved to '",
                     corrupt.moved_to.string(), "'; the next use downloads it again"));
  return corrupt;
}

}  // namespace

std::optional<CorruptBlob> verify_blob(const HubCache& cache, const Repository& repository,
                                       const std::string& hash) {
  const fs::path blob = cache.blob(repository, hash);
  // Without the lock first: a content never changes under its name, and a cache that others keep
  // may be read-only.
  if (HubCache::has(blob) && content_hash(blob, hash) == hash) return std::nullopt;
  const FileLock lock = cache.lock(repository, hash, concat("Content ", hash));
  if (!HubCache::has(blob)) return std::nullopt;  // another process was faster
  const std::string found = content_hash(blob, hash);
  if (found == hash) return std::nullopt;
  return set_aside(cache, repository, blob, found);
}

Verification verify(const HubCache& cache, const Repository& repository) {
  Verification result;
  for (const fs::path& blob : blobs_of(cache, repository)) {
    std::error_code gone;
    const std::uintmax_t size = fs::file_size(blob, gone);
    if (gone) continue;
    ++result.blobs;
    result.bytes += static_cast<std::int64_t>(size);
    if (auto corrupt = verify_blob(cache, repository, blob.filename().string()))
      result.corrupt.push_back(std::move(*corrupt));
  }
  return result;
}

}  // namespace dtbench
