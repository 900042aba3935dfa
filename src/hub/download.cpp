#include "hub/download.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress_line.h"
#include "base/text.h"
#include "hub/backoff.h"
#include "hub/content_hash.h"
#include "hub/partial_file.h"
#include "hub/status_error.h"

namespace dtbench {
namespace {

// "12.0 MiB of 167.0 MiB, 8.1 MiB/s", beside the time left.
void show_progress(PartialFile& partial, std::int64_t size, ProgressLine& progress) {
  const std::int64_t first = partial.end();
  const double started = steady_seconds();
  progress.update(static_cast<double>(first) /
                  static_cast<double>(std::max<std::int64_t>(size, 1)));
  partial.on_progress = [&progress, size, first, started](std::int64_t end) {
    const double seconds = std::max(steady_seconds() - started, 1e-9);
    const auto rate = static_cast<double>(std::max<std::int64_t>(end - first, 0)) / seconds;
    progress.update(static_cast<double>(end) / static_cast<double>(std::max<std::int64_t>(size, 1)),
                    concat(human_bytes(end), " of ", human_bytes(size), ", ",
                           human_bytes(static_cast<std::uint64_t>(rate)), "/s"));
  };
}

class Download {
 public:
  Download(HttpClient& http, const Repository& repository, const std::string& path,
           const FileMetadata& file)
      : http_(http), repository_(repository), subject_(describe(repository, path)), file_(file) {}

  // Until all is there, as long as something comes.
  void fetch(PartialFile& partial) {
    Backoff backoff(http_.settings().retry, subject_);
    std::int64_t farthest = partial.end();
    while (!partial.complete()) {
      try {
        if (attempt(partial, backoff)) return;
      } catch (const TransferFailure& failure) {
        if (partial.end() > farthest) backoff.reset();
        farthest = std::max(farthest, partial.end());
        if (!wait_after(failure, backoff))
          throw transfer_error(subject_, failure, http_.settings());
      }
    }
  }

 private:
  // Whether the reply was a success that came to its end.
  bool attempt(PartialFile& partial, Backoff& backoff) {
    std::optional<ByteRange> rest;
    if (partial.end() > 0) rest = ByteRange{partial.end(), std::nullopt};
    const HttpResponse reply = http_.get_once(file_.url, rest, partial);
    if (reply.ok()) {
      if (!partial.complete())
        throw TransferFailure(
            concat("the reply ended after ", partial.end(), " of ", *file_.size, " bytes"),
            TransferFailure::Kind::kPassing);
      return true;
    }
    const bool range_refused = reply.status == 416 && partial.end() > 0;
    if (range_refused) partial.start_over();
    if (!(range_refused || may_pass(reply)) ||
        !backoff.wait(concat("HTTP status ", reply.status), retry_after_s(reply)))
      throw content_error(http_.settings(), repository_, subject_, reply);
    return false;
  }

  HttpClient& http_;
  const Repository& repository_;
  std::string subject_;
  const FileMetadata& file_;
};

}  // namespace

void download(HttpClient& http, const Repository& repository, const std::string& path,
              const FileMetadata& file, const std::filesystem::path& blob) {
  const std::string subject = describe(repository, path);
  PartialFile partial(blob, file.size.value());
  for (bool again = false;; again = true) {
    {
      ProgressLine progress(path);
      show_progress(partial, file.size.value(), progress);
      Download(http, repository, path, file).fetch(partial);
      partial.on_progress = nullptr;
    }
    const std::string hash = content_hash(partial.path(), file.hash);
    if (hash == file.hash) break;
    partial.start_over();
    const std::string wrong = concat(subject, ": the download is not the file: expected the hash ",
                                     file.hash, ", got ", hash);
    if (again)
      throw Error(ExitCode::kRetryable, wrong + ", twice.",
                  concat("Try again later. If it fails again, a proxy or mirror changes the "
                         "content: check HF_ENDPOINT ('",
                         http.settings().endpoint, "')."));
    log_warning(wrong + "; downloading it again from the start");
  }
  partial.rename_to_blob();
}

}  // namespace dtbench
