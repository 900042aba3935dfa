#include "hub/blob_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace dtbench {
namespace {

int open_lock_file(const std::filesystem::path& file) {
  make_directories(file.parent_path());
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
  if (descriptor < 0) throw system_error("Cannot write", file.string());
  return descriptor;
}

// Also where the file system has no locks: there is nothing to wait for.
bool lock_within_a_second(int descriptor) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + std::chrono::seconds(1);
  do {
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (steady_clock::now() < end);
  return false;
}

}  // namespace

BlobLock::BlobLock(const std::filesystem::path& file, const std::string& subject)
    : descriptor_(open_lock_file(file)) {
  if (lock_within_a_second(descriptor_)) return;
  log_info(concat(subject, ": waiting for another process that downloads it"));
  while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

BlobLock::~BlobLock() {
  close(descriptor_);
}

}  // namespace dtbench
