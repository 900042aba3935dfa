#include "base/process_memory.h"

#include <unistd.h>

#include <fstream>
#include <string>

namespace dtbench {
namespace {

// A line of /proc/self/status in kilobytes, as bytes.
std::int64_t status_bytes(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kilobytes = 0;
    if (word == field && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t swapped_bytes() {
  return status_bytes("VmSwap:");
}

std::int64_t peak_resident_bytes() {
  return status_bytes("VmHWM:");
}

}  // namespace dtbench
