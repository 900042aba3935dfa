#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

// "bytes 100-199/200" -> 100
std::optional<std::int64_t> first_byte(const std::string& content_range) {
  constexpr std::string_view kUnit = "bytes ";
  std::int64_t first = 0;
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  const char* begin = content_range.data() + kUnit.size();
  if (std::from_chars(begin, content_range.data() + content_range.size(), first).ec != std::errc())
    return std::nullopt;
  return first;
}

Error no_space(const std::filesystem::path& path, const std::string& what) {
  return Error(ExitCode::kRetryable, concat("Cannot write '", path.string(), "': ", what, "."),
               "Free some space, or choose another place with HF_HUB_CACHE; the download resumes "
               "where it stopped.");
}

Error write_error(const std::filesystem::path& path) {
  if (errno == ENOSPC || errno == EDQUOT) return no_space(path, "no space left");
  return system_error("Cannot write", path.string());
}

}  // namespace

PartialFile::PartialFile(const std::filesystem::path& blob, std::int64_t size)
    : blob_(blob), path_(blob.string() + ".incomplete"), size_(size) {
  make_directories(path_.parent_path());
  open_file();
  if (end_ > size_) start_over();
  require_space();
}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void PartialFile::open_file() {
  // O_NONBLOCK: a pipe in its place would be waited for.
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  struct stat status{};
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) throw write_error(path_);
  if (!S_ISREG(status.st_mode)) {
    errno = ESPIPE;
    throw write_error(path_);
  }
  end_ = status.st_size;
}

// Better said before the disk is full.
void PartialFile::require_space() const {
  struct statvfs disk{};
  if (fstatvfs(descriptor_, &disk) != 0 || disk.f_blocks == 0) return;
  const auto missing = static_cast<std::uint64_t>(size_ - end_);
  const std::uint64_t available = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (missing > available)
    throw no_space(path_,
                   concat(human_bytes(missing), " needed, ", human_bytes(available), " left"));
}

void PartialFile::start_over() {
  close(descriptor_);
  descriptor_ = -1;
  unlink(path_.c_str());
  open_file();
}

void PartialFile::begin(const HttpResponse& head) {
  if (head.status == 206 && first_byte(head.header("content-range")) == end_) return;
  end_ = 0;  // the server sends the whole; what is there will be overwritten with the same bytes
  if (head.status == 206)
    throw TransferFailure("the server sent a different range from the one requested",
                          TransferFailure::Kind::kPassing);
}

void PartialFile::write(std::string_view bytes) {
  if (end_ + static_cast<std::int64_t>(bytes.size()) > size_)
    throw TransferFailure(concat("received more than the file's ", size_, " bytes"),
                          TransferFailure::Kind::kPassing);
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), end_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_error(path_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    end_ += written;
  }
  if (on_progress) on_progress(end_);
}

void PartialFile::rename_to_blob() {
  if (fsync(descriptor_) != 0) throw write_error(path_);
  if (rename(path_.c_str(), blob_.c_str()) != 0)
    throw system_error("Cannot rename a download to", blob_.string());
  sync_directory(blob_.parent_path());
}

}  // namespace dtbench
