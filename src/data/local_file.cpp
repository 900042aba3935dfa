#include "data/local_file.h"

#include "base/error.h"
#include "base/text.h"

namespace dtbench {

LocalFile::LocalFile(const std::filesystem::path& path) : path_(path.string()), file_(path) {}

std::string LocalFile::read(std::int64_t offset, std::int64_t length) {
  if (offset < 0 || length < 0 || offset > size() - length)
    throw Error(ExitCode::kPermanent, concat("'", path_, "' has ", size(), " bytes; ", length,
                                             " from offset ", offset, " were requested."));
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t got = file_.read_at(static_cast<std::uint64_t>(offset) + done,
                                          bytes.data() + done, bytes.size() - done);
    if (got == 0)
      throw Error(ExitCode::kRetryable, concat("'", path_, "' was truncated while being read."));
    done += got;
  }
  return bytes;
}

}  // namespace dtbench
