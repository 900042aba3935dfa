#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/stop_signals.h"
#include "base/text.h"

namespace dtbench {
namespace {

constexpr std::string_view kMark = ".tmp.";

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// Whether it has content and its writer, who would hold its lock, is gone. One that is empty may
// have been created a moment ago, and is not locked yet.
bool is_abandoned(const fs::path& temporary) {
  std::error_code error;
  return fs::is_regular_file(temporary, error) && fs::file_size(temporary, error) > 0 && !error &&
         FileLock::if_free(temporary) != nullptr;
}

// What killed processes left of this target. Many folders have no lock under which leftovers could
// be removed, and a report is of megabytes.
void remove_abandoned(const fs::path& target) {
  std::error_code error;
  for (fs::directory_iterator entry(folder_of(target), error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (is_temporary_name(path.filename().string()) &&
        target_of_temporary(path.filename()) == target.filename() && is_abandoned(path))
      unlink(path.c_str());
  }
}

// Locked until it has its name; closes and, unless kept, removes the temporary file.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target)
      : path_(temporary_beside(target)), descriptor_(create_file(path_)), lock_(dup(descriptor_)) {
    flock(lock_, LOCK_EX | LOCK_NB);  // fails where the file system has no locks
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!renamed_) unlink(path_.c_str());
    close(lock_);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return descriptor_; }

  void rename_to(const std::filesystem::path& target) {
    if (fsync(descriptor_) != 0) throw system_error("Cannot write", path_);
    const int closed = close(descriptor_);
    descriptor_ = -1;
    if (closed != 0) throw system_error("Cannot write", path_);
    if (rename(path_.c_str(), target.c_str()) != 0)
      throw system_error("Cannot rename a temporary file to", target.string());
    renamed_ = true;
  }

 private:
  StopSignalsHeld while_it_is_there_;
  std::string path_;
  int descriptor_;
  int lock_;  // the same open file: the lock outlasts `descriptor_`
  bool renamed_ = false;
};

}  // namespace

std::string temporary_beside(const std::filesystem::path& target) {
  std::random_device random;
  return concat(target.string(), kMark, getpid(), ".", std::hex, random(), random());
}

bool is_temporary_name(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos || mark == 0) return false;
  const std::size_t process = mark + kMark.size(), point = name.find('.', process);
  const auto all = [&](std::size_t begin, std::size_t end, const char* digits) {
    return begin < end && name.find_first_not_of(digits, begin) >= end;
  };
  return point != std::string::npos && all(process, point, "0123456789") &&
         all(point + 1, name.size(), "0123456789abcdef");
}

std::filesystem::path target_of_temporary(const std::filesystem::path& temporary) {
  const std::string path = temporary.string();
  return path.substr(0, path.rfind(kMark));
}

void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> leftovers;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (is_temporary_name(entry->path().filename().string())) leftovers.push_back(entry->path());
  for (const std::filesystem::path& leftover : leftovers)
    std::filesystem::remove_all(leftover, error);
}

int create_file(const std::filesystem::path& path) {
  const int descriptor =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) throw system_error("Cannot write", path.string());
  return descriptor;
}

void write_all(int descriptor, const void* bytes, std::size_t size,
               const std::filesystem::path& path) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = write(descriptor, next, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error("Cannot write", path.string());
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(int descriptor)>& write) {
  remove_abandoned(path);
  TemporaryFile temporary(path);
  write(temporary.descriptor());
  temporary.rename_to(path);
  sync_directory(folder_of(path));
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  write_file_atomically(
      path, [&](int descriptor) { write_all(descriptor, content.data(), content.size(), path); });
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    errno = error.value();
    throw system_error("Cannot create the directory", path.string());
  }
}

void rename_path(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (rename(from.c_str(), to.c_str()) != 0) throw system_error("Cannot rename", from.string());
}

void sync_directory(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw system_error("Cannot open the directory", path.string());
  const int result = fsync(descriptor);
  close(descriptor);
  // Some network file systems refuse fsync on directories; the rename is done all the same.
  if (result != 0 && errno != EINVAL)
    throw system_error("Cannot write the directory", path.string());
}

}  // namespace dtbench
