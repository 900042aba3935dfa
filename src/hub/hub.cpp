#include "hub/hub.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "data/local_file.h"
#include "hub/download.h"
#include "hub/file_metadata.h"
#include "hub/remote_file.h"
#include "hub/status_error.h"
#include "hub/url.h"

namespace dtbench {

namespace fs = std::filesystem;

Hub::Hub(const HubSettings& settings)
    : Hub(settings, std::make_shared<std::atomic<std::int64_t>>(0)) {}

Hub::Hub(const HubSettings& settings, ByteCount received)
    : settings_(settings),
      received_(std::move(received)),
      http_(settings, received_),
      cache_(settings.cache) {}

std::string Hub::ask_for_commit(const Repository& repository) {
  const std::string subject = describe(repository);
  const HttpResponse reply = http_.get(concat(api_url(settings_.endpoint, repository), "/revision/",
                                              quote_url(repository.revision), "?expand=sha"),
                                       subject);
  if (!reply.ok()) throw status_error(settings_, repository, subject, reply);
  const std::optional<Json> parsed = parse_json_or_none(reply.body);
  const Json answer = parsed.value_or(Json());
  if (answer.is_object() && answer.contains("sha") && answer["sha"].is_string() &&
      is_commit(answer["sha"]))
    return answer["sha"];
  throw Error(
      ExitCode::kPermanent,
      concat(subject, ": expected an answer with the member 'sha', a commit, got ",
             parsed ? "none" : "no JSON", "."),
      concat("Check that HF_ENDPOINT ('", settings_.endpoint, "') is the address of a Hub."));
}

// For another time and for offline use; a cache that cannot be written may hold all that is needed.
void Hub::remember(const Repository& repository, const std::string& commit) {
  try {
    cache_.write_ref(repository, commit);
  } catch (const Error& error) {
    log_warning(error.what());
  }
}

std::string Hub::resolve(const Repository& repository) {
  std::string last_seen = cache_.read_ref(repository);
  if (settings_.offline) {
    if (last_seen.empty()) throw offline_error(settings_, repository, describe(repository), "");
    return last_seen;
  }
  try {
    const std::string commit = ask_for_commit(repository);
    remember(repository, commit);
    return commit;
  } catch (const Error& error) {
    if (error.code() != ExitCode::kRetryable || last_seen.empty()) throw;
    log_warning(concat(error.what(), "\n  Continuing with the commit last seen, ", last_seen, "."));
    return last_seen;
  }
}

std::string Hub::commit(const Repository& repository) {
  check(repository);
  if (is_commit(repository.revision)) return repository.revision;
  std::string& known = commits_[cache_folder_name(repository) + "@" + repository.revision];
  if (known.empty()) known = resolve(repository);
  return known;
}

// Offline without the commit, the file is what is missing.
std::string Hub::commit_for(const Repository& repository, const std::string& path) {
  check(repository);
  check_path(repository, path);
  if (settings_.offline && !is_commit(repository.revision) && cache_.read_ref(repository).empty())
    throw offline_error(settings_, repository, describe(repository, path), path);
  return commit(repository);
}

std::vector<HubFile> Hub::list(const Repository& repository, const std::string& wanted) {
  const std::string at = commit(repository);
  const fs::path cached = cache_.tree(repository, at);
  if (auto files = read_file_list(cached)) return *files;
  if (settings_.offline)
    throw offline_error(settings_, repository, concat("The list of files of ", named(repository)),
                        wanted.empty() ? "" : concat("--include \"", wanted, "/*\""));
  return fetch_file_list(http_, repository, at, cached);
}

std::vector<ParquetFile> Hub::parquet(const Repository& dataset) {
  return parquet_files(list(parquet_copy(dataset)));
}

// A reply that tells no length may have no end: the list of files says where the file's is.
FileMetadata Hub::metadata(const Repository& repository, const std::string& at,
                           const std::string& path) {
  FileMetadata file = file_metadata(http_, repository, at, path);
  if (file.size) return file;
  for (const HubFile& listed : list(repository))
    if (listed.path == path) file.size = listed.size;
  if (!file.size)
    throw Error(ExitCode::kPermanent,
                concat(describe(repository, path), ": neither the reply nor the list of files ",
                       "tells its size."),
                concat("Check that HF_ENDPOINT ('", settings_.endpoint,
                       "') is the address of a Hub, and that no proxy changes its replies."));
  return file;
}

fs::path Hub::file(const Repository& repository, const std::string& path) {
  const std::string at = commit_for(repository, path);
  const fs::path place = cache_.snapshot(repository, at, path);
  if (HubCache::has(place)) return place;
  const std::string subject = describe(repository, path);
  if (settings_.offline) throw offline_error(settings_, repository, subject, path);

  const FileMetadata said = metadata(repository, at, path);
  cache_.write_tag();
  const FileLock lock = cache_.lock(repository, said.hash, subject);
  const fs::path blob = cache_.blob(repository, said.hash);
  if (!HubCache::has(blob)) download(http_, repository, path, said, blob);
  if (!HubCache::has(place)) cache_.link(repository, at, path, said.hash);
  return place;
}

fs::path Hub::verified_file(const Repository& repository, const std::string& path) {
  fs::path place = file(repository, path);
  // A cache without links names no hashes (the Python client makes one where links are not
  // allowed).
  if (!fs::is_symlink(place)) return place;
  const std::string hash = fs::read_symlink(place).filename().string();
  return verify_blob(cache_, repository, hash) ? file(repository, path) : place;
}

std::unique_ptr<ByteSource> Hub::open(const Repository& repository, const std::string& path) {
  const std::string at = commit_for(repository, path);
  const fs::path place = cache_.snapshot(repository, at, path);
  if (HubCache::has(place)) return std::make_unique<LocalFile>(verified_file(repository, path));
  if (settings_.offline)
    throw offline_error(settings_, repository, describe(repository, path), path);
  FileMetadata said = metadata(repository, at, path);
  const fs::path blob = cache_.blob(repository, said.hash);
  if (HubCache::has(blob)) return std::make_unique<LocalFile>(blob);
  Repository pinned = repository;
  pinned.revision = at;
  return std::make_unique<RemoteFile>(settings_, received_, repository, path, std::move(said),
                                      [settings = settings_, received = received_, pinned, path] {
                                        return Hub(settings, received).file(pinned, path);
                                      });
}

Verification Hub::verify(const Repository& repository) {
  check(repository);
  return dtbench::verify(cache_, repository);
}

}  // namespace dtbench
