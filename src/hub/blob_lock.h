// One download of a blob at a time: flock(2) on the file that the Python client locks. It ends with
// its process. On file systems whose locks do nothing two may download; the blob is whole all the
// same (download.h).
#pragma once

#include <filesystem>
#include <string>

namespace dtbench {

class BlobLock {
 public:
  // Waits, and says so in the log after a second. `subject`: what is waited for.
  BlobLock(const std::filesystem::path& file, const std::string& subject);
  ~BlobLock();
  BlobLock(const BlobLock&) = delete;
  BlobLock& operator=(const BlobLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace dtbench
