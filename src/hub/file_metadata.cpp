#include "hub/file_metadata.h"

#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "hub/content_hash.h"
#include "hub/status_error.h"

namespace dtbench {
namespace {

// W/"abc" and "abc" -> abc
std::string bare_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

Error not_a_hub(const HubSettings& settings, const std::string& subject, const std::string& what) {
  return Error(ExitCode::kPermanent, concat(subject, ": ", what, "."),
               concat("Check that HF_ENDPOINT ('", settings.endpoint,
                      "') is the address of a Hub, and that no proxy changes its replies."));
}

}  // namespace

FileMetadata metadata_of(const HttpResponse& reply, const HubSettings& settings,
                         const Repository& repository, const std::string& commit,
                         const std::string& path) {
  const std::string subject = describe(repository, path);
  FileMetadata file{file_url(settings.endpoint, repository, commit, path), "", std::nullopt};
  if (!reply.ok() && !reply.is_redirect()) throw status_error(settings, repository, subject, reply);
  if (const std::string at = reply.header("x-repo-commit"); at != commit)
    throw not_a_hub(settings, subject,
                    concat("expected a reply for commit ", commit, ", got ",
                           at.empty() ? "one that names no commit" : "one for " + at));
  const std::string linked = reply.header("x-linked-etag");
  file.hash = bare_etag(linked.empty() ? reply.header("etag") : linked);
  if (!is_content_hash(file.hash))
    throw not_a_hub(settings, subject,
                    concat("its ETag '", file.hash,
                           "' is neither a SHA-256 nor a git object id, so its content cannot "
                           "be verified"));
  file.size = number(reply.header("x-linked-size"));
  if (!file.size && !reply.is_redirect()) file.size = number(reply.header("content-length"));
  return file;
}

FileMetadata file_metadata(HttpClient& http, const Repository& repository,
                           const std::string& commit, const std::string& path) {
  const HubSettings& settings = http.settings();
  const HttpResponse reply =
      http.head(file_url(settings.endpoint, repository, commit, path), describe(repository, path));
  return metadata_of(reply, settings, repository, commit, path);
}

}  // namespace dtbench
