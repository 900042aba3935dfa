#include "record/run_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {
namespace {

std::filesystem::path lock_file(const std::filesystem::path& run) {
  return run / "lock";
}

// A lock of the open file description: unlike flock(2) it can be asked for (F_OFD_GETLK), and
// unlike POSIX locks it does not end when the process closes another descriptor of the file.
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& run)
    : descriptor_(open(lock_file(run).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw system_error("Cannot write", lock_file(run).string());
  struct flock lock = whole_file();
  if (fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return;
  const int reason = errno;
  close(descriptor_);
  errno = reason;
  if (reason != EAGAIN && reason != EACCES)
    throw system_error("Cannot lock", lock_file(run).string());
  throw Error(ExitCode::kRetryable,
              concat("The run '", run.string(), "' is being trained by another process."),
              "Wait for it ('dtbench show' shows its progress), or end that process.");
}

RunLock::~RunLock() {
  close(descriptor_);
}

bool RunLock::is_held(const std::filesystem::path& run) {
  // O_NONBLOCK: a pipe in its place would be waited for.
  const int descriptor = open(lock_file(run).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct flock lock = whole_file();
  const bool answered = fcntl(descriptor, F_OFD_GETLK, &lock) == 0;
  close(descriptor);
  return answered && lock.l_type != F_UNLCK;
}

}  // namespace dtbench
