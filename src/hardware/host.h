// What else the machine is doing: load, clock, waiting for a core, swapping. From Linux's /proc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"

namespace dtbench {

struct Load {
  double load_average = 0;         // runnable tasks of the whole machine, over the last minute
  std::optional<double> cpu_mhz;   // mean over the cores, where the system tells
  std::int64_t swapped_bytes = 0;  // of this process, now
};
Load sample_load();

// The share of time that the process's threads were ready to run and waited for a core: what other
// load costs, whatever the machine's load average says about it.
class CoreWait {
 public:
  CoreWait();

  // Since the last call (or construction): the waiting of the thread that waited longest, over
  // `seconds`. Every parallel loop waits for its slowest thread. Nothing where the kernel does not
  // count (it needs CONFIG_SCHED_INFO).
  std::optional<double> share_since_last(double seconds);

 private:
  std::map<std::string, std::uint64_t> waited_ns_;  // by thread
};

}  // namespace dtbench
