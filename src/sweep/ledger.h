// What a matrix has cost: the time that devices worked on its cells, over all attempts of all
// processes, also those that died. Each process appends to a file of its own, so no lock is needed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace dtbench {

class LineFile;

struct Spent {
  double wall_s = 0;    // of the cell's processes
  double device_s = 0;  // their share of a device
};

class Ledger {
 public:
  explicit Ledger(std::filesystem::path folder);
  ~Ledger();

  // A new attempt at a cell, for put().
  std::int64_t open_attempt() { return ++attempts_; }
  // The attempt's time so far: the last line of an attempt counts. Throws Error as LineFile does.
  void put(std::int64_t attempt, const std::string& cell, const Spent& so_far);

  // By cell, everything that was ever put. Throws Error (usage) for a damaged file. Reads what was
  // appended since the last call.
  std::map<std::string, Spent> by_cell() const;

 private:
  // What was read of a file.
  struct Account {
    std::uint64_t bytes = 0;  // its whole lines
    std::int64_t lines = 0;
    std::map<std::pair<std::int64_t, std::string>, Spent> attempts;  // by number and cell
  };
  static void read_on(const std::filesystem::path& file, Account& account);

  std::filesystem::path folder_;
  std::unique_ptr<LineFile> own_;  // from the first put on
  std::int64_t attempts_ = 0;
  mutable std::map<std::filesystem::path, Account> accounts_;
};

// What the account calls a run: its cell's id, and for a calibration (which may have the id of a
// cell) "calibration/" before it.
std::string account_name(const std::filesystem::path& run);

// Of a run; nothing where it was never put.
std::optional<double> wall_seconds(const std::map<std::string, Spent>& by_cell,
                                   const std::filesystem::path& run);

double device_seconds(const std::map<std::string, Spent>& by_cell);

}  // namespace dtbench
