#include <algorithm>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/text.h"
#include "record/run_directory.h"
#include "record/run_lock.h"

namespace dtbench {
namespace {

constexpr const char* kMark = ".replaced-";

}  // namespace

std::filesystem::path set_aside(const std::filesystem::path& path) {
  const RunLock no_writer(path);
  std::string time = utc_now();
  std::erase(time, ':');
  const std::filesystem::path aside = path.string() + kMark + time;
  rename_path(path, aside);
  return aside;
}

bool is_set_aside(const std::filesystem::path& path) {
  return path.filename().string().find(kMark) != std::string::npos;
}

}  // namespace dtbench
