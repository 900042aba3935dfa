// A cell while its engine works on it: heartbeat of its lease, account of its time, time limit.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "sweep/engine_process.h"
#include "sweep/lease.h"
#include "sweep/ledger.h"
#include "sweep/prepared_cell.h"
#include "sweep/slots.h"

namespace dtbench {

class RunningCell {
 public:
  struct Limits {
    double beat_s = 10;               // between heartbeats
    std::optional<double> timeout_s;  // of this attempt
  };
  struct Means {
    const Slot& slot;
    std::optional<double> price_per_hour;  // of a device, in USD
    std::string session;
    bool profile;  // after training
    HealthLevel health;
  };

  // Starts the engine. Throws Error as engine_command and EngineProcess do.
  RunningCell(const PreparedCell& cell, const Means& means, Lease& lease, Ledger& ledger,
              const Limits& limits);

  // To be called often, until ended().
  void tick();
  bool ended() { return engine_.ended(); }

  void stop();  // it saves a checkpoint and ends
  void signal(int number) const { engine_.signal(number); }

  double wall_s() const;
  double device_s() const { return wall_s() * share_; }
  double unaccounted_device_s() const { return device_s() - accounted_s_; }
  bool lease_lost() const { return lease_lost_; }
  bool timed_out() const { return timed_out_; }

  // Once it has ended: accounts for the rest of its time, and tells why the cell could not be
  // trained, "" when it was or when this device cannot do it.
  std::string conclude();
  ExitCode exit_code() const;  // a crash is permanent

 private:
  void account();
  void watch_time();

  const std::string name_;  // in the account
  const std::filesystem::path run_;
  const double share_;
  const Limits limits_;
  Lease& lease_;
  Ledger& ledger_;
  const std::int64_t attempt_;
  const double started_;
  EngineProcess engine_;
  double last_beat_, accounted_s_ = 0;
  std::optional<double> kill_at_;
  bool lease_lost_ = false, timed_out_ = false, stopped_ = false, unreadable_ = false;
};

}  // namespace dtbench
