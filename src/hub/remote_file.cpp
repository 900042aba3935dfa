#include "hub/remote_file.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/backoff.h"
#include "hub/status_error.h"

namespace dtbench {
namespace {

class RangeIgnored {};

// The bytes of one range, appended.
class RangeSink : public BodySink {
 public:
  RangeSink(const ByteRange& range, std::int64_t size, std::string& bytes)
      : expected_(concat("bytes ", range.first, "-", *range.last, "/", size)),
        left_(*range.last - range.first + 1),
        bytes_(bytes) {}

  void begin(const HttpResponse& head) override {
    if (head.status != 206) throw RangeIgnored();
    if (const std::string got = head.header("content-range"); got != expected_)
      throw TransferFailure(concat("expected '", expected_, "', got '", got, "'"),
                            TransferFailure::Kind::kPassing);
  }

  void write(std::string_view bytes) override {
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size > left_)
      throw TransferFailure("received more bytes than the range has",
                            TransferFailure::Kind::kPassing);
    left_ -= size;
    bytes_ += bytes;
  }

 private:
  std::string expected_;
  std::int64_t left_;
  std::string& bytes_;
};

// Of a signed address whose time is over.
bool has_expired(long status) {
  return status == 401 || status == 403 || status == 404 || status == 410;
}

}  // namespace

RemoteFile::RemoteFile(const HubSettings& settings, ByteCount received,
                       const Repository& repository, std::string path, FileMetadata file,
                       std::function<std::filesystem::path()> download)
    : http_(settings, std::move(received)),
      repository_(repository),
      path_(std::move(path)),
      subject_(describe(repository, path_)),
      file_(std::move(file)),
      download_(std::move(download)) {}

// At the address that the last redirect gave, which saves one; at the Hub's when that is no more.
HttpResponse RemoteFile::ask(const ByteRange& range, BodySink& sink) {
  if (!location_.empty()) {
    HttpResponse reply = http_.get_once(location_, range, sink);
    if (!has_expired(reply.status)) return reply;
    location_.clear();
  }
  HttpResponse reply = http_.get_once(file_.url, range, sink);
  if (reply.ok()) location_ = reply.url;
  return reply;
}

void RemoteFile::fetch(std::int64_t offset, std::int64_t length, std::string& bytes) {
  Backoff backoff(http_.settings().retry, subject_);
  const auto count = [&bytes] { return static_cast<std::int64_t>(bytes.size()); };
  while (count() < length) {
    const std::int64_t before = count();
    const ByteRange range{offset + before, offset + length - 1};
    RangeSink sink(range, size(), bytes);
    try {
      const HttpResponse reply = ask(range, sink);
      if (reply.ok() && count() == before)
        throw TransferFailure("the reply was empty", TransferFailure::Kind::kPassing);
      if (!reply.ok() && (!may_pass(reply) || !backoff.wait(concat("HTTP status ", reply.status),
                                                            retry_after_s(reply))))
        throw content_error(http_.settings(), repository_, subject_, reply);
    } catch (const TransferFailure& failure) {
      if (count() > before) backoff.reset();
      if (!wait_after(failure, backoff)) throw transfer_error(subject_, failure, http_.settings());
    }
  }
}

std::string RemoteFile::read(std::int64_t offset, std::int64_t length) {
  if (offset < 0 || length < 0 || offset > size() - length)
    throw Error(ExitCode::kPermanent,
                concat(subject_, " has ", size(), " bytes; ", length, " from offset ", offset,
                       " were requested."),
                "Its content contradicts itself: inform its owner, or choose another revision.");
  std::string bytes;
  if (!local_) {
    bytes.reserve(static_cast<std::size_t>(length));
    try {
      fetch(offset, length, bytes);
      return bytes;
    } catch (const RangeIgnored&) {
      log_warning(concat(subject_, ": the server sends only whole files; downloading all ",
                         human_bytes(static_cast<std::uint64_t>(size()))));
      local_ = std::make_unique<LocalFile>(download_());
    }
  }
  return local_->read(offset, length);
}

}  // namespace dtbench
