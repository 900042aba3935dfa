// One writer a run: a lock that ends with its process, however that ends.
#pragma once

#include <filesystem>

namespace dtbench {

class RunLock {
 public:
  // Throws Error (retryable) when another process, or another lock of this one, holds it.
  explicit RunLock(const std::filesystem::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  // Asks without ever holding the lock, so that no reader is in a writer's way.
  static bool is_held(const std::filesystem::path& run);

 private:
  int descriptor_;
};

}  // namespace dtbench
