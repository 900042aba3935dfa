// An exclusive lock on a file, flock(2), which ends with the process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

namespace dtbench {

class FileLock {
 public:
  // Waits as long as it takes. After `quiet_seconds` of waiting the log says `waiting`; "": never.
  // Creates the file with `mode` where it is not there. Throws Error when it cannot be opened.
  FileLock(const std::filesystem::path& file, const std::string& waiting, double quiet_seconds = 0,
           mode_t mode = 0666);
  // One that is free, and whose file is there; else null. Never waits.
  static std::unique_ptr<FileLock> if_free(const std::filesystem::path& file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // False where the file system has no locks: then there is nothing to wait for.
  bool held() const { return held_; }

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  bool held_ = false;
};

}  // namespace dtbench
