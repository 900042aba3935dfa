#include "sweep/budget.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/clock.h"

namespace dtbench {
namespace {

constexpr double kSecondsBetweenReadings = 1;
// A process reads the accounts of all. With a thousand of them on one file server that is at most a
// hundredth of their time.
constexpr double kRestAfterReading = 100;

}  // namespace

Budget::Budget(const SweepOptions& options, const Ledger& ledger)
    : folder_(sweep_folder(options.out)),
      price_per_hour_(options.price_per_hour),
      budget_(options.budget),
      ledger_(ledger) {}

std::unique_ptr<FileLock> Budget::lock() {
  if (!budget_) return nullptr;
  make_directories(folder_);
  auto alone = std::make_unique<FileLock>(folder_ / "budget.lock", "");
  refresh();
  return alone;
}

void Budget::refresh() {
  const double begin = steady_seconds();
  spent_ = ledger_.by_cell();
  device_s_ = device_seconds(spent_);
  const double end = steady_seconds();
  next_reading_ = end + std::max(kSecondsBetweenReadings, kRestAfterReading * (end - begin));
}

void Budget::refresh_if_due() {
  if (steady_seconds() >= next_reading_) refresh();
}

const std::map<std::string, Spent>& Budget::spent() {
  refresh_if_due();
  return spent_;
}

double Budget::spent_usd(double more_device_s) {
  refresh_if_due();
  return cost_of(device_s_ + more_device_s, price_per_hour_.value_or(0));
}

bool Budget::pays_for(double device_s, double committed_device_s) {
  return spent_usd(committed_device_s + device_s) <= budget_.value_or(0);
}

bool Budget::used_up(double more_device_s) {
  return budget_ && spent_usd(more_device_s) >= *budget_;
}

}  // namespace dtbench
