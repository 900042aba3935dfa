#include "data/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {

LocalFile::LocalFile(const std::filesystem::path& path)
    : path_(path.string()), descriptor_(open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw unreadable(path_);
  struct stat status{};
  if (fstat(descriptor_, &status) != 0) {
    const int reason = errno;
    close(descriptor_);
    errno = reason;
    throw system_error("Cannot read", path_);
  }
  size_ = status.st_size;
}

LocalFile::~LocalFile() {
  close(descriptor_);
}

std::string LocalFile::read(std::int64_t offset, std::int64_t length) {
  if (offset < 0 || length < 0 || offset > size_ - length)
    throw Error(ExitCode::kPermanent, concat("'", path_, "' has ", size_, " bytes; ", length,
                                             " from offset ", offset, " were requested."));
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                              offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("Cannot read", path_);
    if (got == 0)
      throw Error(ExitCode::kRetryable, concat("'", path_, "' was truncated while being read."));
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace dtbench
