// How a matrix is to be trained, where what remains of it stands, and what time costs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/health_level.h"
#include "record/study_note.h"
#include "sweep/slots.h"

namespace dtbench {

// A name that no other session has.
std::string new_session();

struct SweepOptions {
  std::filesystem::path out, configs;
  std::vector<Slot> slots;
  bool rerun = false;                      // anew where a record cannot be gone on with
  bool fail_fast = false;                  // the first failure ends the others, with checkpoints
  bool same_engine = true;                 // records of another engine are refused
  bool tensorboard = false;                // event files
  bool profile = false;                    // records say where a step's time goes
  HealthLevel health = HealthLevel::kOff;  // how closely records look at numbers
  bool wait = true;                        // for cells that other processes hold
  bool unpredicted = false;         // with a budget: start also what no prediction is there for
  std::optional<double> timeout_s;  // of one attempt at a cell
  double lease_s = 60;              // a heartbeat silent for so long has stopped
  std::optional<double> price_per_hour;  // of a device, in USD
  std::optional<double> budget;          // USD, needs the price
  std::string session = new_session();   // what this process times without a break
  std::optional<StudyNote> study;        // what the records of a study's cells say
  std::string title;                     // of a part, for who watches: "stage 3 of 11 (h1)"
  std::filesystem::path account;         // of device time (ledger.h); empty: <out>/.sweep/ledger
};

std::filesystem::path sweep_folder(const std::filesystem::path& out);  // <out>/.sweep
std::filesystem::path calibration_folder(const std::filesystem::path& out);
std::filesystem::path account_folder(const SweepOptions& options);

// USD for so many seconds of a device.
double cost_of(double device_s, double price_per_hour);

}  // namespace dtbench
