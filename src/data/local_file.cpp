#include "data/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {

LocalFile::LocalFile(const std::filesystem::path& path)
    : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status{};
  if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
    const Error error = system_error("Cannot read", path.string());
    if (descriptor_ >= 0) close(descriptor_);
    throw error;
  }
  size_ = status.st_size;
}

LocalFile::~LocalFile() {
  close(descriptor_);
}

std::string LocalFile::read(std::int64_t offset, std::int64_t length) {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                offset + static_cast<std::int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error("Cannot read", path_.string());
    if (count == 0)
      throw usage_error(concat("'", path_.string(), "': expected ", length, " bytes at ", offset,
                               ", found the end of the file after ", done,
                               ": it became shorter while it was read."),
                        "Copy or download the file again.");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace dtbench
