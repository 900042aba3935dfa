#include "hardware/host.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/process_memory.h"

namespace dtbench {
namespace {

namespace fs = std::filesystem;

// The mean of the "cpu MHz" lines; virtual machines and other architectures may have none.
std::optional<double> cpu_mhz() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  double sum = 0;
  int cores = 0;
  for (std::string line; std::getline(cpuinfo, line);) {
    if (!line.starts_with("cpu MHz")) continue;
    sum += std::stod(line.substr(line.find(':') + 1));
    ++cores;
  }
  return cores > 0 ? std::optional(sum / cores) : std::nullopt;
}

// Nanoseconds that each thread waited on a run queue: the second number of its schedstat
// (Documentation/scheduler/sched-stats.rst).
std::map<std::string, std::uint64_t> waited_ns() {
  std::map<std::string, std::uint64_t> waited;
  std::error_code error;  // threads come and go while they are listed
  for (const auto& task : fs::directory_iterator("/proc/self/task", error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::uint64_t ran = 0, wait = 0;
    if (schedstat >> ran >> wait) waited[task.path().filename().string()] = wait;
  }
  return waited;
}

}  // namespace

Load sample_load() {
  Load load;
  std::ifstream("/proc/loadavg") >> load.load_average;
  load.cpu_mhz = cpu_mhz();
  load.swapped_bytes = swapped_bytes();
  return load;
}

CoreWait::CoreWait() : waited_ns_(waited_ns()) {}

std::optional<double> CoreWait::share_since_last(double seconds) {
  std::map<std::string, std::uint64_t> now = waited_ns();
  std::optional<double> longest;
  for (const auto& [thread, waited] : now) {
    const auto before = waited_ns_.find(thread);
    const std::uint64_t since = waited - (before == waited_ns_.end() ? 0 : before->second);
    longest = std::max(longest.value_or(0), static_cast<double>(since) * 1e-9);
  }
  waited_ns_ = std::move(now);
  if (!longest || seconds <= 0) return std::nullopt;
  return std::min(1.0, *longest / seconds);
}

}  // namespace dtbench
