// Who works on which cell: leases in a folder that several processes share, perhaps on several
// machines. A lease is kept alive by its heartbeat. Nobody compares clocks: whether a heartbeat has
// stopped, each observer judges by its own steady clock, from when it last saw the heartbeat
// change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"

namespace dtbench {

class LineFile;
class RunLock;

// A cell's leases are numbered. Each is a folder that is made once (mkdir is atomic, on network
// file systems too), so of several processes that take over an expired lease one succeeds, and an
// old holder that comes back writes into a folder that counts no more:
//   <folder>/<cell>/<number>/   lock (held while the holder lives), beats.jsonl,
//                               holder.json (host, process, boot id),
//                               ended.json (once it was given back)
class Lease {
 public:
  ~Lease();  // without end(): the lease expires
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // The heartbeat. False: another process took the lease over (this one was stopped for too long),
  // and the cell is its.
  bool beat();
  // Gives the lease back. `failure`: why the cell could not be trained, "" when it is finished or
  // anybody may go on with it.
  void end(const std::string& failure);

 private:
  friend class Leases;
  Lease(std::filesystem::path cell, std::int64_t number);

  std::filesystem::path cell_;
  std::int64_t number_;
  std::unique_ptr<RunLock> lock_;
  std::unique_ptr<LineFile> beats_;
};

enum class LeaseStanding { kFree, kHeld };

struct LeaseView {
  std::int64_t number = 0;  // of the newest lease; 0: there was none
  LeaseStanding standing = LeaseStanding::kFree;
  std::string failure;  // what it ended with
};

class Leases {
 public:
  // `expiry_s`: how long a heartbeat may be silent. A holder on this machine that has died is seen
  // within seconds, by its lock.
  Leases(std::filesystem::path folder, double expiry_s,
         std::function<double()> steady_clock = steady_seconds);

  // How a cell's lease stands. To see that a heartbeat stopped it must be asked repeatedly.
  LeaseView look(const std::string& cell);
  // The next lease of a cell that looked free; null when another process was faster.
  std::unique_ptr<Lease> acquire(const std::string& cell, const LeaseView& free);

 private:
  struct Pulse {
    std::int64_t number = 0;
    std::uintmax_t beats = 0;
    double since = 0;  // when it was first seen like this
  };

  std::filesystem::path folder_;
  double expiry_s_;
  std::function<double()> clock_;
  std::map<std::string, Pulse> pulses_;
};

}  // namespace dtbench
