// What a sweep has spent and may spend.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/file_lock.h"
#include "sweep/ledger.h"
#include "sweep/sweep_options.h"

namespace dtbench {

class Budget {
 public:
  Budget(const SweepOptions& options, const Ledger& ledger);

  // Held while a cell is chosen and started, so that two processes do not spend the same money.
  // Null without a budget.
  std::unique_ptr<FileLock> lock();
  // Reads the account anew. That is done by itself every second, and less often where it takes
  // long.
  void refresh();
  // By cell, as last read.
  const std::map<std::string, Spent>& spent();

  // `more_device_s`: what is not in the account yet.
  double spent_usd(double more_device_s);
  bool pays_for(double device_s, double committed_device_s);
  bool used_up(double more_device_s);

 private:
  const std::filesystem::path folder_;
  const std::optional<double> price_per_hour_, budget_;
  void refresh_if_due();

  const Ledger& ledger_;
  std::map<std::string, Spent> spent_;
  double device_s_ = 0;
  double next_reading_ = 0;
};

}  // namespace dtbench
