#include "record/line_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::uint64_t size_of(int descriptor, const std::filesystem::path& path) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) throw system_error("Cannot read", path.string());
  // It would take lines until it is full, and then wait.
  if (S_ISFIFO(status.st_mode))
    throw usage_error(concat("'", path.string(), "': expected a regular file, found a pipe."),
                      "Move it away.");
  return static_cast<std::uint64_t>(status.st_size);
}

// Where the last complete line ends.
std::uint64_t end_of_lines(int descriptor, const std::filesystem::path& path) {
  std::uint64_t end = size_of(descriptor, path);
  for (; end > 0; --end) {
    char last = 0;
    if (pread(descriptor, &last, 1, static_cast<off_t>(end - 1)) != 1)
      throw system_error("Cannot read", path.string());
    if (last == '\n') break;
  }
  return end;
}

}  // namespace

LineFile::LineFile(const std::filesystem::path& path)
    : path_(path),
      descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw system_error("Cannot write", path_.string());
  try {
    const std::uint64_t end = end_of_lines(descriptor_, path_);
    if (end != size_of(descriptor_, path_)) truncate(end);
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

LineFile::~LineFile() {
  close(descriptor_);
}

void LineFile::append(const Json& line) {
  // Messages may quote a file's bytes; what is no UTF-8 becomes U+FFFD.
  const std::string text = json_text(line) + "\n";
  const std::uint64_t before = size_of(descriptor_, path_);
  ssize_t written = 0;
  do {
    written = write(descriptor_, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(text.size())) return;
  // A short write means that the disk took a part only; the part must not meet the next line.
  const int reason = written < 0 ? errno : ENOSPC;
  if (written > 0) truncate(before);
  errno = reason;
  throw system_error("Cannot write", path_.string());
}

std::uint64_t LineFile::durable_size() const {
  if (fsync(descriptor_) != 0) throw system_error("Cannot write", path_.string());
  return size_of(descriptor_, path_);
}

void LineFile::truncate(std::uint64_t size) {
  const std::uint64_t found = size_of(descriptor_, path_);
  if (found < size)
    throw usage_error(concat("'", path_.string(), "' holds ", found, " bytes, but ", size,
                             " were written before the checkpoint: the record is damaged."),
                      "Retrain the cell with --rerun.");
  if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0)
    throw system_error("Cannot shorten", path_.string());
}

}  // namespace dtbench
