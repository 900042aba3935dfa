#include "sweep/sweep_options.h"

#include <ios>
#include <random>

#include "base/text.h"

namespace dtbench {

namespace fs = std::filesystem;

std::string new_session() {
  std::random_device random;
  return concat(std::hex, random(), random());
}

fs::path sweep_folder(const fs::path& out) {
  return out / ".sweep";
}

fs::path calibration_folder(const fs::path& out) {
  return sweep_folder(out) / "calibration";
}

fs::path account_folder(const SweepOptions& options) {
  return options.account.empty() ? sweep_folder(options.out) / "ledger" : options.account;
}

double cost_of(double device_s, double price_per_hour) {
  return device_s / 3600 * price_per_hour;
}

}  // namespace dtbench
