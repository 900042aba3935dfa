#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace dtbench {
namespace {

bool lock(int descriptor, int more = 0) {
  int result = 0;
  do {
    result = flock(descriptor, LOCK_EX | more);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& file, const std::string& waiting,
                   double quiet_seconds, mode_t mode)
    : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode)) {
  if (descriptor_ < 0) throw system_error("Cannot write", file.string());
  const double end = steady_seconds() + quiet_seconds;
  for (;;) {
    held_ = lock(descriptor_, LOCK_NB);
    if (held_ || errno != EWOULDBLOCK) return;
    if (steady_seconds() >= end) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (!waiting.empty()) log_info(waiting);
  held_ = lock(descriptor_);
}

std::unique_ptr<FileLock> FileLock::if_free(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  std::unique_ptr<FileLock> lock(new FileLock(descriptor));
  lock->held_ = dtbench::lock(descriptor, LOCK_NB);
  return lock->held_ ? std::move(lock) : nullptr;
}

FileLock::~FileLock() {
  close(descriptor_);
}

}  // namespace dtbench
