#include "sweep/budget.h"

#include "base/atomic_file.h"
#include "base/clock.h"

namespace dtbench {
namespace {

constexpr double kSecondsBetweenReadings = 1;

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
  device_s_ = device_seconds(ledger_.by_cell());
  read_at_ = steady_seconds();
}

double Budget::spent_usd(double more_device_s) {
  if (steady_seconds() - read_at_ > kSecondsBetweenReadings) refresh();
  return cost_of(device_s_ + more_device_s, price_per_hour_.value_or(0));
}

bool Budget::pays_for(double device_s, double committed_device_s) {
  return spent_usd(committed_device_s + device_s) <= budget_.value_or(0);
}

bool Budget::used_up(double more_device_s) {
  return budget_ && spent_usd(more_device_s) >= *budget_;
}

}  // namespace dtbench
